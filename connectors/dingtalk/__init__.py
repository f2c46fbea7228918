"""DingTalk: group robots, and the enterprise interface that reaches one person with a picture.

Wire facts: `POST /robot/send` of a custom robot, `v1.0/oauth2/accessToken`, `topapi/v2/user/get`,
`media/upload`, `v1.0/robot/oToMessages/batchSend`. Robots and `topapi` answer HTTP 200 whatever happened:
the errcode decides.
"""
