# Everything that is wrong with config.yaml, told at once and before AWS is asked for anything.

locals {
  repository_name = "^([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$"

  choices = {
    "ecr.encryption"       = ["AES256", "KMS", "KMS_DSSE"]
    "ecr.tag_mutability"   = ["MUTABLE", "IMMUTABLE"]
    "ecr.lifecycle_policy" = ["default", "none"]
    "github.oidc_provider" = ["create", "reuse"]
  }

  # What a text, or each text of a list, must look like; the last two are told in other words below.
  patterns = {
    "ecr.repositories"          = { like = local.repository_name, fix = "ECR takes 2 to 256 lower case letters and digits, with single . _ - between them and / between folders: team/my-app" }
    "ecr.prefixes"              = { like = "^[a-z0-9][a-z0-9._/-]*$", fix = "write the beginning of the names without a wildcard: team/" }
    "ecr.regions"               = { like = "^[a-z]{2}(-[a-z]+)+-[0-9]$", fix = "write regions as AWS does: us-east-1" }
    "ecr.registry.replicate_to" = { like = "^[a-z]{2}(-[a-z]+)+-[0-9]$", fix = "write regions as AWS does: us-east-1" }
    "ecr.registry.templates"    = { like = "^(ROOT|[a-z0-9]+([._/-][a-z0-9]+)*/?)$", fix = "write a prefix such as team/, or ROOT for all other repositories" }
    "ecr.kms_key"               = { like = "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", fix = "write the key's ARN: arn:aws:kms:us-east-1:123456789012:key/<id>" }
    "ecr.pull_roles"            = { like = "^[A-Za-z0-9_+=,.@-]{1,64}$", fix = "write the role's name alone, without its ARN and path" }
    "ecr.cross_account_pull"    = { like = "^(arn:aws[a-z-]*:iam::[0-9]{12}:(role/.+|root)|[0-9]{12})$", fix = "write a role's ARN or an account's 12 digits in quotes: \"123456789012\"" }
    "ecr.cross_account_push"    = { like = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", fix = "write the ARN of one role: arn:aws:iam::123456789012:role/NAME" }
    "github.org_id"             = { like = "^[1-9][0-9]*$", fix = "write the organisation's number: gh api orgs/ORG --jq .id" }
    "github.repositories"       = { like = "^[A-Za-z0-9._*-]+(@[0-9]+)?$", fix = "write the name alone, without the organisation: my-app, my-*, or my-app@<id>" }
    "github.branches"           = { like = "^[^\\s~^:?\\[\\\\$]+$", fix = "write a branch's name, * for any text: main" }
    "github.tags"               = { like = "^[^\\s~^:?\\[\\\\$]+$", fix = "write a tag's name, * for any text: v*" }
    "github.environments"       = { like = "^[^?$]+$", fix = "write an environment's name, * for any text: production" }
    "github.job_workflow_refs"  = { like = "^[A-Za-z0-9][A-Za-z0-9-]*/[^/?$\\s]+/[.]github/workflows/[^@?$\\s]+@[^?$\\s]+$", fix = "write OWNER/REPOSITORY/.github/workflows/FILE@REF, the owner without a wildcard, which another organisation's name could match" }
    "github.secrets"            = { like = "^arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:|ssm:[a-z0-9-]+:[0-9]{12}:parameter/).+$", fix = "write the ARN of a secret or a parameter" }
    "github.signing_profiles"   = { like = "^arn:aws[a-z-]*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/.+$", fix = "write the profile's ARN: arn:aws:signer:us-east-1:123456789012:/signing-profiles/NAME" }
  }

  # The release role's keys follow the rules of the other role's.
  texts = flatten([
    for path, value in local.valid : [
      for one in(local.kinds[path] == "a list of texts" ? tolist(value) : [tostring(value)]) : {
        path = path
        text = one
        rule = path == "github.release.prefixes" ? "ecr.prefixes" : replace(path, "github.release.", "github.")
      }
    ] if contains(["a list of texts", "a text"], local.kinds[path])
  ])

  problems_of_file = (
    !local.file_is_there ? ["${var.config_file} is not there. Fix: give its path: -var config_file=PATH"] :
    !can(yamldecode(file(var.config_file))) ? ["${var.config_file} is no YAML. Fix: see what `yamllint ${var.config_file}` says."] :
    local.document != null && !can(keys(local.document)) ? ["${var.config_file} must be a mapping. Fix: begin it with `ecr:` and `github:`."] : []
  )

  problems_of_keys = concat(
    [for name in ["ecr", "github"] : "${name} must be a section. Fix: write its keys below it, indented." if local.written[name] != null && !contains(keys(local.sections), name)],
    [for path, value in local.given : "${path} is no key. Fix: one of ${join(", ", [for known in keys(local.schema) : known if startswith(known, regex("^.*[.]", path))])}." if !contains(keys(local.schema), path)],
    [for path, value in local.given : "${path} must be ${local.schema[path]}, and is ${local.kinds[path]}. Fix: ${path}: ${local.examples[local.schema[path]]}" if contains(keys(local.schema), path) && !contains(keys(local.valid), path)],
  )

  examples = {
    "a text"          = "\"...\""
    "a list of texts" = "[\"...\", \"...\"]"
    "true or false"   = "true"
    "a section"       = "with keys below it, indented"
  }

  problems_of_texts = concat(
    [for one in local.texts : "${one.path} has ${jsonencode(one.text)}. Fix: ${local.patterns[one.rule].fix}." if can(local.patterns[one.rule]) && !can(regex(try(local.patterns[one.rule].like, ""), one.text))],
    [for one in local.texts : "${one.path} is ${jsonencode(one.text)}. Fix: one of ${join(", ", local.choices[one.rule])}." if can(local.choices[one.rule]) && !contains(try(local.choices[one.rule], []), one.text)],
    [for one in local.texts : "${one.path} has ${jsonencode(one.text)}, of ${length(one.text)} characters. Fix: ECR takes 2 to 256." if one.path == "ecr.repositories" && (length(one.text) < 2 || length(one.text) > 256)],
    [for one in local.texts : "github.permissions has ${jsonencode(one.text)}. Fix: one of ${join(", ", keys(local.declared.sets))}." if one.path == "github.permissions" && !contains(keys(local.declared.sets), one.text)],
    [for one in local.texts : "github.org is ${jsonencode(one.text)}. Fix: write the organisation's exact name; with a wildcard another organisation's name could match." if one.path == "github.org" && !can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?$", one.text))],
  )

  problems_of_sense = concat(
    local.enable_oidc && local.org == "" ? ["github.enable_oidc is true, and github.org is missing: the role would trust nobody. Fix: github.org: \"your-organisation\""] : [],
    local.kms_key != null && local.encryption == "AES256" ? ["ecr.kms_key is given, and ecr.encryption is AES256. Fix: ecr.encryption: KMS"] : [],
    length(try(concat(local.trust["github.release"].tags, local.trust["github.release"].environments, local.trust["github.release"].branches), ["no release"])) == 0 ? ["github.release says not what a release is. Fix: github.release.tags: [\"v*\"], or environments: [\"production\"]"] : [],
    [for role in local.roles_asked_for : "${role}.pull_requests admits pull requests and nothing else. Fix: ${role}.branches: [\"main\"] beside it." if local.admits_pull_requests[role] && length(concat(local.trust[role].branches, local.trust[role].tags, local.trust[role].environments)) == 0],
    contains(local.permissions, "secrets") && length(local.secrets) == 0 ? ["github.permissions has secrets, and github.secrets is missing. Fix: github.secrets: [\"arn:aws:secretsmanager:...\"]"] : [],
    contains(local.permissions, "signing") && length(local.signing_profiles) == 0 ? ["github.permissions has signing, and github.signing_profiles is missing. Fix: github.signing_profiles: [\"arn:aws:signer:...\"]"] : [],
    contains(local.permissions, "kms") && local.kms_key == null ? ["github.permissions has kms, and ecr.kms_key is missing. Fix: ecr.kms_key: \"arn:aws:kms:...\""] : [],
  )

  problems = concat(local.problems_of_file, local.problems_of_keys, local.problems_of_texts, local.problems_of_sense)
}

data "aws_caller_identity" "current" {
  lifecycle {
    precondition {
      condition     = length(local.problems) == 0
      error_message = "${var.config_file}:\n${join("\n", [for problem in local.problems : "- ${problem}"])}"
    }
  }
}

check "org_id" {
  assert {
    condition     = !local.enable_oidc || local.org == "" || local.org_id != ""
    error_message = "github.org_id is missing: repositories that are created, renamed or transferred after 2026-07-15 present a sub with ids, and can't assume the role. Write github.org_id: the number that `gh api orgs/${local.org} --jq .id` prints."
  }
}

check "release" {
  assert {
    condition     = !local.release || length(concat(local.trust["github"].branches, local.trust["github"].environments, local.trust["github"].tags)) > 0
    error_message = "github.release makes a role for releases, and the other role admits every ref, releases too. Write github.branches: [\"main\"]."
  }
}
