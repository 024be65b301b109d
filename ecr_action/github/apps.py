"""A GitHub App as the writer of one repository: its tokens, minted for that repository and renewed before they end.

Sources: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App" and "Create an installation access token for an
app" (REST reference): a token ends after one hour, and may be narrowed to repositories and permissions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecr_action.errors import AppRefused, Failure, GitOpsAccess
from ecr_action.github.answers import ApiError
from ecr_action.github.api import Api
from ecr_action.protocols import Clock, Console
from ecr_action.secret import Secret

# A token ends after an hour; by then the next one has to be there.
_RENEWED_AFTER_SECONDS = 50 * 60.0
_NO_APP = "Integration not found"
_SET_KEY = "gh secret set GITOPS_APP_PRIVATE_KEY < your-app.private-key.pem"


class AppTokens:
    """Tokens of the App *app_id* (id or client id) with the private *key* (PEM), for *repository* (``owner/name``).

    *permissions*: what the tokens may do, most wanted first; one that the installation does not have is tried next.
    """

    def __init__(
        self,
        url: str,
        app_id: str,
        key: Secret,
        repository: str,
        permissions: Sequence[Mapping[str, str]],
        console: Console,
        clock: Clock,
    ) -> None:
        self._url, self._app_id, self._key = url, app_id, key
        self._repository = repository
        self._permissions = tuple(permissions)
        self._console, self._clock = console, clock
        self._token = Secret("", "gitops-token")
        self._made_at = 0.0

    def token(self) -> Secret:
        """A token that is good for ten minutes at least. Raises AppRefused, GitOpsAccess."""
        if not self._token or self._clock.monotonic() - self._made_at > _RENEWED_AFTER_SECONDS:
            self._made_at = self._clock.monotonic()
            self._token = self._mint()
        return self._token

    def _mint(self) -> Secret:
        api = Api(self._url, self._jwt(), self._console, self._clock, bearer=True)
        try:
            found = api.get(f"/repos/{self._repository}/installation")
            told = self._narrowed(api, str(found["id"]))
        except ApiError as error:
            raise self._refused(error) from error
        token = Secret(str(told["token"]), "gitops-token")
        self._console.mask(token)
        may = ", ".join(f"{name}: {level}" for name, level in sorted(told.get("permissions", {}).items()))
        self._console.info(f"Token of the App {found.get('app_slug', self._app_id)} for {self._repository} ({may})")
        return token

    def _narrowed(self, api: Api, installation: str) -> Any:
        """A token for the one repository, with the first of the permissions that the installation has."""
        path = f"/app/installations/{installation}/access_tokens"
        for number, permissions in enumerate(self._permissions, 1):
            body = {"repositories": [self._repository.partition("/")[2]], "permissions": dict(permissions)}
            try:
                return api.send("POST", path, body)
            except ApiError as error:
                if number == len(self._permissions) or error.status != 422:
                    raise
        raise AssertionError("no permissions were asked for")

    def _jwt(self) -> Secret:
        import jwt
        from github.Auth import AppAuth

        try:
            made = AppAuth(self._app_id, self._key.reveal()).token
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
            # Without its cause, which may show a part of the key.
            raise AppRefused(
                "gitops-app-private-key is no RSA key, or it is cut.", fix=f"Set it from the file: {_SET_KEY}"
            ) from None
        return Secret(made, "App's web token")

    def _refused(self, error: ApiError) -> Failure:
        said = (error.message or f"HTTP {error.status}").rstrip(".")
        what, fix = self._meaning(error, said)
        if error.status == 404 and said != _NO_APP:
            # The repository may be made at this moment, as it may for any other token.
            return GitOpsAccess(what, why=f"GitHub says: {said}.", fix=fix, transient=True)
        return AppRefused(what, why=f"GitHub says: {said}.", fix=fix, transient=error.passing or error.limited)

    def _meaning(self, error: ApiError, said: str) -> tuple[str, str]:
        owner, _, name = self._repository.partition("/")
        if error.passing or error.limited:
            return f"GitHub gave no token for {self._repository}.", "Run the job again."
        if "claim" in said:
            return "GitHub refuses the times in the App's web token.", "Set the clock of this machine, then run again."
        if error.status == 401:
            return (
                f"gitops-app-private-key is no key of the App {self._app_id}.",
                f"gitops-app-id: the 'App ID' on the page of the App that the key is of\nOr set its key: {_SET_KEY}",
            )
        if said == _NO_APP:
            return f"There is no App {self._app_id}.", "gitops-app-id: the 'App ID' or 'Client ID' on the App's page"
        if error.status == 404:
            return (
                f"The App {self._app_id} is not installed on {self._repository}, or there is no such repository.",
                f"The App's page > Install App > {owner} > Repository access: {name}",
            )
        if error.status == 403:
            return (
                f"The App {self._app_id} may not be used on {self._repository}.",
                f"An owner of {owner}: Settings > GitHub Apps > Configure > Unsuspend",
            )
        return self._lacking()

    def _lacking(self) -> tuple[str, str]:
        wanted = self._permissions[-1]
        names = " and ".join(name.replace("_", " ").capitalize() for name in wanted)
        return (
            f"The App {self._app_id} lacks a permission on {self._repository}: {names}, read and write.",
            f"The App's page > Permissions & events > Repository permissions > {names}: Read and write.\n"
            "Then accept them: the organization's Settings > GitHub Apps > Configure > Review request.",
        )
