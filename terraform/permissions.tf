# What the action declares of itself (permissions.json, written by `make docs`), put on this account's resources.
# `python -m ecr_action iam --format json` prints the same policy.

locals {
  declared = jsondecode(file("${path.module}/permissions.json"))
  # A repository with a key of one's own can't be created without them.
  chosen_sets = distinct(concat(local.permissions, local.kms_key == null ? [] : ["kms"], length(local.secrets) == 0 ? [] : ["secrets"], length(local.signing_profiles) == 0 ? [] : ["signing"]))
  regions     = try(local.valid["ecr.regions"], [local.region])

  actions = {
    for kind in ["*", "repository", "key", "profile", "secret", "parameter", "secret's key"] : kind => distinct(flatten([
      try(local.declared.publish[kind], []),
      [for name in local.chosen_sets : try(local.declared.sets[name][kind], [])],
    ]))
  }
  resources = {
    for role, content in local.roles : role => {
      "*"            = ["*"]
      "repository"   = flatten([for region in local.regions : [for prefix in content.prefixes : "arn:${local.partition}:ecr:${region}:${local.account}:repository/${prefix}*"]])
      "key"          = local.kms_key == null ? [] : [local.kms_key]
      "profile"      = local.signing_profiles
      "secret"       = [for arn in local.secrets : arn if strcontains(arn, ":secretsmanager:")]
      "parameter"    = [for arn in local.secrets : arn if strcontains(arn, ":ssm:")]
      "secret's key" = length(local.secrets) == 0 || local.kms_key == null ? [] : [local.kms_key]
    }
  }
  sids = [
    { kind = "*", sid = "Registry" },
    { kind = "repository", sid = "Repositories" },
    { kind = "key", sid = "Key" },
    { kind = "profile", sid = "SigningProfiles" },
    { kind = "secret", sid = "Secrets" },
    { kind = "parameter", sid = "Parameters" },
    { kind = "secret's key", sid = "SecretsKeys" },
  ]
  push_policies = {
    for role, content in local.roles : role => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for one in local.sids : {
          Sid      = one.sid
          Effect   = "Allow"
          Action   = local.actions[one.kind]
          Resource = local.resources[role][one.kind]
        } if length(local.actions[one.kind]) > 0 && length(local.resources[role][one.kind]) > 0
      ]
    })
  }
}
