"""`dingtalk.message`: a text, and a picture after it, to one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.deadline import Deadline
from connectors.dingtalk.api import Api
from connectors.dingtalk.direct import Direct
from connectors.dingtalk.directory import Directory
from connectors.dingtalk.media import DEFAULT_LIMIT, upload
from connectors.dingtalk.notice import Notice
from connectors.dingtalk.token import Tokens
from connectors.dingtalk.way import Way
from connectors.dingtalk.words import markdown, words
from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass, Receipt, Request
from connectors.settings import Settings


class DingTalkMessage:
    """Looks the person up, uploads the picture, then sends the text and the picture as two messages."""

    name = "dingtalk.message"
    resends_safely = False

    def __init__(self, outbound: Outbound, api: Api, directory: Directory, way: Way, media_limit: int) -> None:
        self._outbound = outbound
        self._api = api
        self._directory = directory
        self._way = way
        self._media_limit = media_limit

    def perform(self, request: Request) -> Receipt:
        """Send `content.title` and `content.text`, and `request.picture` if any.

        The picture is uploaded first, so that its failure leaves nothing half said. Once the text went out,
        the attempt has succeeded: a picture that then fails is told in `result.picture`, never by sending
        again.
        """
        title, text = words(request.content)
        deadline = Deadline(request.timeout)
        userid = self._directory.find(request.to, request.subject, deadline)
        media_id, trouble = self._upload(request, deadline)
        sent = self._way.say(userid, title, markdown(title, text), deadline)
        result: dict[str, Any] = {"userid": userid}
        if media_id is not None:
            result["media_id"] = media_id
            trouble = self._show(userid, media_id, deadline)
        if request.picture is not None:
            result["picture"] = trouble or "sent"
        return Receipt(sent.status, sent.id, result)

    def close(self) -> None:
        """Close the connections."""
        self._outbound.close()

    def _upload(self, request: Request, deadline: Deadline) -> tuple[str | None, str | None]:
        """The media id, or what is wrong with the picture for good. What may pass is raised: nothing went
        out.
        """
        if request.picture is None:
            return None, None
        try:
            return upload(self._api, request.picture, self._media_limit, deadline), None
        except ConnectorError as error:
            if error.error_class is not ErrorClass.PERMANENT:
                raise
            return None, f"failed: {error}"

    def _show(self, userid: str, media_id: str, deadline: Deadline) -> str | None:
        try:
            self._way.show(userid, media_id, deadline)
        except ConnectorError as error:
            word = "unknown" if error.error_class is ErrorClass.UNKNOWN else "failed"
            return f"{word}: {error}"
        return None


def connect(values: Mapping[str, Any], clock: Callable[[], float]) -> DingTalkMessage:
    """Settings: `app_key`, `app_secret`, and `robot_code`, or `agent_id` with `via: notice`.

    Optional: `via` (`robot`, `notice`), `default_userid`, `language`, `media_limit` (bytes), `api_base`,
    `oapi_base`, `allow_hosts`.
    """
    settings = Settings("dingtalk.message", values)
    app_key, app_secret = settings.text("app_key"), settings.text("app_secret")
    by_notice = settings.choice("via", "robot", "notice") == "notice"
    robot_code = settings.text("robot_code", app_key if by_notice else None)
    agent_id = settings.whole("agent_id", None if by_notice else 1)
    api_base = settings.text("api_base", "https://api.dingtalk.com").rstrip("/")
    oapi_base = settings.text("oapi_base", "https://oapi.dingtalk.com").rstrip("/")
    default_userid = settings.optional("default_userid")
    language = settings.text("language", "zh_CN")
    media_limit = settings.whole("media_limit", DEFAULT_LIMIT)
    outbound = Outbound(settings.texts("allow_hosts"))
    settings.done()
    tokens = Tokens(outbound, api_base, app_key, app_secret, clock)
    api = Api(outbound, tokens, api_base, oapi_base, clock)
    way: Way = Notice(api, agent_id) if by_notice else Direct(api, robot_code)
    return DingTalkMessage(outbound, api, Directory(api, default_userid, language), way, media_limit)
