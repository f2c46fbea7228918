"""DingTalk on this machine: what a recipient would see, and every refusal that the real service is known
for.
"""

from connectors.sandbox.dingtalk.server import DingTalkSandbox
from connectors.sandbox.dingtalk.tenant import Message, Robot

__all__ = ["DingTalkSandbox", "Message", "Robot"]
