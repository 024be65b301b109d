# What is wrong with a config.yaml: each problem with its key and its fix, all of a file at once, at plan time.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

run "each_key_refuses_another_type" {
  command = plan

  variables {
    config_file = "tests/configs/types.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = length(setsubtract(keys(local.schema), keys(local.given))) == 0
    error_message = "No row in types.yaml: ${jsonencode(setsubtract(keys(local.schema), keys(local.given)))}"
  }
  assert {
    condition     = alltrue([for path, type in local.schema : anytrue([for one in local.problems : startswith(one, "${path} must be ${type}, and is ")]) if type != "a section"])
    error_message = "Not told: ${jsonencode([for path, type in local.schema : path if !anytrue([for one in local.problems : startswith(one, "${path} must be ")])])}"
  }
  assert {
    condition     = length([for one in local.problems : one if !strcontains(one, ". Fix: ")]) == 0
    error_message = "Without a fix: ${jsonencode([for one in local.problems : one if !strcontains(one, ". Fix: ")])}"
  }
}

run "a_section_is_one" {
  command = plan

  variables {
    config_file = "tests/configs/sections.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition = local.problems == [
      "ecr.registry must be a section, and is a text. Fix: ecr.registry: with keys below it, indented",
      "github.release must be a section, and is a list of texts. Fix: github.release: with keys below it, indented",
    ]
    error_message = jsonencode(local.problems)
  }
}

run "the_two_sections_are_sections" {
  command = plan

  variables {
    config_file = "tests/configs/flat.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition = local.problems == [
      "ecr must be a section. Fix: write its keys below it, indented.",
      "github must be a section. Fix: write its keys below it, indented.",
    ]
    error_message = jsonencode(local.problems)
  }
}

run "an_unknown_key_is_told_with_the_known_ones" {
  command = plan

  variables {
    config_file = "tests/configs/unknown.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = [for one in local.problems : split(" ", one)[0]] == ["ecr.registry.mounting", "ecr.repository", "github.organization", "github.release.tag"]
    error_message = jsonencode(local.problems)
  }
  assert {
    condition = alltrue([
      for n, key in ["ecr.registry.blob_mounting", "ecr.repositories", "github.org", "github.release.tags"] : strcontains(local.problems[n], " is no key. Fix: one of ") && strcontains(local.problems[n], key)
    ])
    error_message = jsonencode(local.problems)
  }
}

run "each_text_that_aws_or_github_would_refuse" {
  command = plan

  variables {
    config_file = "tests/configs/texts.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition = alltrue([
      for key in concat(keys(local.patterns), keys(local.choices), ["github.org", "github.permissions", "github.release.tags", "github.release.prefixes"]) :
      anytrue([for one in local.problems : startswith(one, "${key} has \"") || startswith(one, "${key} is \"")])
    ])
    error_message = "Not told of some key: ${jsonencode(local.problems)}"
  }
  assert {
    # Each text of the file but the two good ones.
    condition     = length(local.problems) == length(local.texts) - 2
    error_message = "Not told: ${jsonencode([for one in local.texts : one if !anytrue([for problem in local.problems : strcontains(problem, jsonencode(one.text))])])}"
  }
  assert {
    condition     = alltrue([for one in local.problems : strcontains(one, ". Fix: ")]) && alltrue([for good in ["\"team/my-app\"", "\"good-role\""] : !strcontains(join(" ", local.problems), good)])
    error_message = jsonencode(local.problems)
  }
}

run "oidc_without_an_organisation" {
  command = plan

  variables {
    config_file = "tests/configs/nobody.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = local.problems == ["github.enable_oidc is true, and github.org is missing: the role would trust nobody. Fix: github.org: \"your-organisation\""]
    error_message = jsonencode(local.problems)
  }
}

run "what_fits_not_together" {
  command = plan

  variables {
    config_file = "tests/configs/sense.yaml"
  }

  expect_failures = [data.aws_caller_identity.current, check.org_id, check.release]

  assert {
    condition = [for one in local.problems : split(". Fix: ", one)[0]] == [
      "ecr.kms_key is given, and ecr.encryption is AES256",
      "github.release says not what a release is",
      "github.pull_requests admits pull requests and nothing else",
      "github.permissions has secrets, and github.secrets is missing",
      "github.permissions has signing, and github.signing_profiles is missing",
    ]
    error_message = jsonencode(local.problems)
  }
}

run "keys_without_the_key" {
  command = plan

  variables {
    config_file = "tests/configs/no-key.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = [for one in local.problems : split(". Fix: ", one)[0]] == ["github.permissions has kms, and ecr.kms_key is missing"]
    error_message = jsonencode(local.problems)
  }
}

run "no_mapping" {
  command = plan

  variables {
    config_file = "tests/configs/list.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = local.problems == ["tests/configs/list.yaml must be a mapping. Fix: begin it with `ecr:` and `github:`."]
    error_message = jsonencode(local.problems)
  }
}

run "no_yaml" {
  command = plan

  variables {
    config_file = "tests/configs/broken.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = local.problems == ["tests/configs/broken.yaml is no YAML. Fix: see what `yamllint tests/configs/broken.yaml` says."]
    error_message = jsonencode(local.problems)
  }
}

run "no_file" {
  command = plan

  variables {
    config_file = "tests/configs/missing.yaml"
  }

  expect_failures = [data.aws_caller_identity.current]

  assert {
    condition     = local.problems == ["tests/configs/missing.yaml is not there. Fix: give its path: -var config_file=PATH"]
    error_message = jsonencode(local.problems)
  }
}
