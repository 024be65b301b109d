"""What lies at a signed address, whole or a piece of it. The address stands in no message: it opens what it names."""

from __future__ import annotations

from typing import Any

from ecr_action.aws import refusals

SECONDS = 60


def fetch(url: str, what: str, *, ca_bundle: str | None = None, piece: tuple[int, int] | None = None) -> bytes:
    """The bytes at *url*; of a *piece* only those from its first to its last one (RFC 9110, "Range").

    Parameters: *what* is downloaded, in words; *ca_bundle* is the file of the authorities to trust, None: the SDK's.
    Raises AwsUnreachable.
    """
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import ConnectionError, HTTPClientError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    verify: Any = ca_bundle or True
    http = URLLib3Session(verify=verify, timeout=SECONDS, proxies=get_environ_proxies(url))
    headers = {"Range": f"bytes={piece[0]}-{piece[1]}"} if piece else {}
    try:
        answer = http.send(AWSRequest("GET", url, headers=headers).prepare())
        content = bytes(answer.content)
    except (ConnectionError, HTTPClientError) as error:
        # The error's text has the address.
        raise refusals.unreachable(what, type(error).__name__) from None
    finally:
        http.close()
    if answer.status_code != (206 if piece else 200):
        raise refusals.unreachable(what, f"HTTP {answer.status_code}")
    if piece and len(content) != piece[1] - piece[0] + 1:
        raise refusals.unreachable(what, f"{len(content)} bytes instead of {piece[1] - piece[0] + 1}")
    return content
