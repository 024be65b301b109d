"""Layers linked from one repository of a registry to another, where its account has blob mounting on.

Sources: OCI distribution specification, "Mounting a blob from another repository"; ECR user guide, "Blob mounting in
Amazon ECR": off unless ``BLOB_MOUNTING`` is enabled, and for repositories of identical encryption alone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from ecr_action.protocols import Login

_SECONDS = 30


def mount(login: Callable[[], Login], repository: str, digest: str, source: str, *, ca_bundle: str | None) -> bool:
    """Link the blob *digest* of *source* into *repository*; False where the registry does not, for whatever reason.

    Then an upload was begun at most, which ends by itself: the layer is moved another way, which tells the reason.
    Raises errors.Failure where there is no password.
    """
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import ConnectionError, HTTPClientError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    found = login()
    key = base64.b64encode(f"{found.user}:{found.password.reveal()}".encode()).decode()
    query = urlencode({"mount": digest, "from": source})
    url = f"https://{found.host}/v2/{repository}/blobs/uploads/?{query}"
    verify: Any = ca_bundle or True
    http = URLLib3Session(verify=verify, timeout=_SECONDS, proxies=get_environ_proxies(url))
    headers = {"Authorization": f"Basic {key}", "Content-Length": "0"}
    try:
        return bool(http.send(AWSRequest("POST", url, headers=headers).prepare()).status_code == 201)
    except (ConnectionError, HTTPClientError):
        return False
    finally:
        http.close()
