"""Settings of a whole registry: account settings, repository creation templates. Rows in FIDELITY.md.

Follows the ECR API reference and the user guide's pages "Blob mounting" and "Repository creation templates".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .call import Answer, Call, page
from .clock import Clock
from .errors import AwsError, invalid_parameter
from .images import Place
from .lifecycle import LifecycleOperations
from .moto_backend import Moto
from .store import Store

ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "REGISTRY_POLICY_SCOPE": ("V2",),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}
SCENARIOS = ("REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH")
TEMPLATE = "template"


@dataclass(frozen=True)
class RegistrySettings:
    """The operations. Methods are named after their operations."""

    store: Store
    clock: Clock
    moto: Moto
    lifecycle: LifecycleOperations

    def _GetAccountSetting(self, call: Call) -> Answer:
        name = _setting_name(call)
        return {"name": name, "value": self.account_setting((call.caller.account, call.region), name)}

    def _PutAccountSetting(self, call: Call) -> Answer:
        name, value = _setting_name(call), str(call.parameters.get("value"))
        if value not in ACCOUNT_SETTINGS[name]:
            values = ", ".join(ACCOUNT_SETTINGS[name])
            raise invalid_parameter("value", f"Member must satisfy enum value set: [{values}]")
        self.store.keep((call.caller.account, call.region), "setting", name, {"value": value})
        return {"name": name, "value": value}

    def account_setting(self, place: tuple[str, str], name: str) -> str:
        """Return what a setting of an account and region stands on."""
        kept = self.store.documents(place, "setting").get(name)
        return str(kept["value"]) if kept else ACCOUNT_SETTINGS[name][0]

    def _CreateRepositoryCreationTemplate(self, call: Call) -> Answer:
        place, prefix = (call.caller.account, call.region), str(call.parameters.get("prefix"))
        _check_scenarios(call)
        if prefix in self.store.documents(place, TEMPLATE):
            text = f"The repository creation template with prefix '{prefix}' already exists"
            raise AwsError("TemplateAlreadyExistsException", text)
        now = round(self.clock.now(), 3)
        made = {"imageTagMutability": "MUTABLE", **call.parameters, "createdAt": now, "updatedAt": now}
        self.store.keep(place, TEMPLATE, prefix, made)
        return {"registryId": place[0], "repositoryCreationTemplate": made}

    def _UpdateRepositoryCreationTemplate(self, call: Call) -> Answer:
        place = (call.caller.account, call.region)
        _check_scenarios(call)
        made = {**self._template(call), **call.parameters, "updatedAt": round(self.clock.now(), 3)}
        self.store.keep(place, TEMPLATE, str(made["prefix"]), made)
        return {"registryId": place[0], "repositoryCreationTemplate": made}

    def _DeleteRepositoryCreationTemplate(self, call: Call) -> Answer:
        place, found = (call.caller.account, call.region), self._template(call)
        self.store.drop(place, TEMPLATE, str(found["prefix"]))
        return {"registryId": place[0], "repositoryCreationTemplate": found}

    def _DescribeRepositoryCreationTemplates(self, call: Call) -> Answer:
        place, wanted = (call.caller.account, call.region), call.parameters.get("prefixes")
        kept = self.store.documents(place, TEMPLATE)
        rows, token = page([t for p, t in kept.items() if not wanted or p in wanted], call.parameters)
        return {"registryId": place[0], "repositoryCreationTemplates": rows, **token}

    def _template(self, call: Call) -> dict[str, Any]:
        prefix = str(call.parameters.get("prefix"))
        found = self.store.documents((call.caller.account, call.region), TEMPLATE).get(prefix)
        if found is None:
            text = f"The repository creation template with prefix '{prefix}' does not exist"
            raise AwsError("TemplateNotFoundException", text)
        return found

    def template_for(self, place: Place) -> dict[str, Any] | None:
        """Return the template by which a push creates *place*: the longest prefix, else ROOT, else None."""
        kept = self.store.documents((place.account, place.region), TEMPLATE)
        fitting = [p for p in kept if p == "ROOT" or place.name.startswith(p.rstrip("/") + "/")]
        for prefix in sorted(fitting, key=lambda p: -1 if p == "ROOT" else len(p), reverse=True):
            if "CREATE_ON_PUSH" in kept[prefix]["appliedFor"]:
                return kept[prefix]
        return None

    def create(self, place: Place, template: dict[str, Any]) -> None:
        """Make the repository of *place* as *template* says."""
        copied = ("encryptionConfiguration", "imageTagMutability", "imageTagMutabilityExclusionFilters")
        parameters = {k: template[k] for k in copied if k in template}
        parameters["tags"] = template.get("resourceTags") or []
        self._ask(place, "CreateRepository", parameters)
        if template.get("lifecyclePolicy"):
            self.lifecycle.keep(place, template["lifecyclePolicy"])
        if template.get("repositoryPolicy"):
            self._ask(place, "SetRepositoryPolicy", {"policyText": template["repositoryPolicy"]})

    def _ask(self, place: Place, operation: str, parameters: dict[str, Any]) -> None:
        self.moto.ecr(place.account, place.region, operation, {"repositoryName": place.name, **parameters})


def _setting_name(call: Call) -> str:
    name = str(call.parameters.get("name"))
    if name not in ACCOUNT_SETTINGS:
        raise invalid_parameter("name", f"Member must satisfy enum value set: [{', '.join(ACCOUNT_SETTINGS)}]")
    return name


def _check_scenarios(call: Call) -> None:
    wanted = call.parameters.get("appliedFor", [SCENARIOS[0]] if call.operation.startswith("Update") else [])
    if not wanted or any(w not in SCENARIOS for w in wanted):
        raise invalid_parameter("appliedFor", f"Member must satisfy enum value set: [{', '.join(SCENARIOS)}]")
