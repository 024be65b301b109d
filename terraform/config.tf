# What config.yaml says, by path ("ecr.repositories"), with what is wrong in it.

locals {
  file_is_there = fileexists(var.config_file)
  document      = try(yamldecode(file(var.config_file)), null)

  written = {
    "ecr"            = try(local.document.ecr, null)
    "ecr.registry"   = try(local.document.ecr.registry, null)
    "github"         = try(local.document.github, null)
    "github.release" = try(local.document.github.release, null)
  }
  sections = { for name, content in local.written : name => content if content != null && can(keys(content)) }

  schema = {
    "ecr.repositories"                 = "a list of texts"
    "ecr.prefixes"                     = "a list of texts"
    "ecr.regions"                      = "a list of texts"
    "ecr.scan_on_push"                 = "true or false"
    "ecr.encryption"                   = "a text"
    "ecr.kms_key"                      = "a text"
    "ecr.tag_mutability"               = "a text"
    "ecr.lifecycle_policy"             = "a text"
    "ecr.force_delete"                 = "true or false"
    "ecr.pull_roles"                   = "a list of texts"
    "ecr.cross_account_pull"           = "a list of texts"
    "ecr.cross_account_push"           = "a list of texts"
    "ecr.registry"                     = "a section"
    "ecr.registry.enhanced_scanning"   = "true or false"
    "ecr.registry.blob_mounting"       = "true or false"
    "ecr.registry.create_on_push"      = "true or false"
    "ecr.registry.templates"           = "a list of texts"
    "ecr.registry.replicate_to"        = "a list of texts"
    "github.enable_oidc"               = "true or false"
    "github.oidc_provider"             = "a text"
    "github.org"                       = "a text"
    "github.org_id"                    = "a text"
    "github.repositories"              = "a list of texts"
    "github.branches"                  = "a list of texts"
    "github.tags"                      = "a list of texts"
    "github.environments"              = "a list of texts"
    "github.pull_requests"             = "true or false"
    "github.job_workflow_refs"         = "a list of texts"
    "github.permissions"               = "a list of texts"
    "github.secrets"                   = "a list of texts"
    "github.signing_profiles"          = "a list of texts"
    "github.release"                   = "a section"
    "github.release.repositories"      = "a list of texts"
    "github.release.branches"          = "a list of texts"
    "github.release.tags"              = "a list of texts"
    "github.release.environments"      = "a list of texts"
    "github.release.pull_requests"     = "true or false"
    "github.release.job_workflow_refs" = "a list of texts"
    "github.release.prefixes"          = "a list of texts"
  }

  # A key without a value counts as not written.
  given = merge([
    for section, content in local.sections : {
      for key in keys(content) : "${section}.${key}" => content[key] if content[key] != null
    }
  ]...)

  kinds = {
    for path, value in local.given : path => (
      can(keys(value)) ? "a section" :
      can(concat(value, [])) ? (
        alltrue([for one in value : try(tostring(one) == one, false)]) ? "a list of texts" : "a list with other things than texts"
      ) :
      try(tobool(value) == value, false) ? "true or false" :
      # GitHub's ids are digits, with quotes around them or not.
      try(tonumber(value) == value, false) ? (path == "github.org_id" ? "a text" : "a number") : "a text"
    )
  }

  # Only what has the right type goes on: everything else is told by its problem, not by an error further down.
  valid = { for path, value in local.given : path => value if try(local.schema[path] == local.kinds[path], false) }

  repositories         = distinct(try(local.valid["ecr.repositories"], []))
  prefixes             = distinct(try(local.valid["ecr.prefixes"], [""]))
  scan_on_push         = try(local.valid["ecr.scan_on_push"], true)
  encryption           = try(local.valid["ecr.encryption"], "AES256")
  kms_key              = try(local.valid["ecr.kms_key"], null)
  tag_mutability       = try(local.valid["ecr.tag_mutability"], "MUTABLE")
  lifecycle_policy     = try(local.valid["ecr.lifecycle_policy"], "default")
  force_delete         = try(local.valid["ecr.force_delete"], false)
  pull_roles           = merge({ for role in try(local.valid["ecr.pull_roles"], []) : role => role }, var.node_roles)
  other_pullers        = try(local.valid["ecr.cross_account_pull"], [])
  other_pushers        = try(local.valid["ecr.cross_account_push"], [])
  enhanced_scanning    = try(local.valid["ecr.registry.enhanced_scanning"], false)
  blob_mounting        = try(local.valid["ecr.registry.blob_mounting"], false)
  create_on_push       = try(local.valid["ecr.registry.create_on_push"], false)
  templates            = toset(try(local.valid["ecr.registry.templates"], []))
  replicate_to         = try(local.valid["ecr.registry.replicate_to"], [])
  enable_oidc          = try(local.valid["github.enable_oidc"], false)
  oidc_provider        = try(local.valid["github.oidc_provider"], "create")
  org                  = try(local.valid["github.org"], "")
  org_id               = try(tostring(local.valid["github.org_id"]), "")
  permissions          = try(local.valid["github.permissions"], [])
  secrets              = try(local.valid["github.secrets"], [])
  signing_profiles     = try(local.valid["github.signing_profiles"], [])
  release              = local.enable_oidc && contains(keys(local.valid), "github.release")
  roles_asked_for      = local.release ? ["github", "github.release"] : ["github"]
  lists_of_role        = ["repositories", "branches", "tags", "environments", "job_workflow_refs"]
  trust                = { for role in local.roles_asked_for : role => { for list in local.lists_of_role : list => try([for one in local.valid["${role}.${list}"] : tostring(one)], []) } }
  admits_pull_requests = { for role in local.roles_asked_for : role => try(local.valid["${role}.pull_requests"], false) }
}
