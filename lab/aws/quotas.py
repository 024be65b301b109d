"""How much a repository holds, and how ECR says that it is full. Pure.

Follows the ECR user guide, "Amazon ECR service quotas"; the texts are those of public reports.
"""

from __future__ import annotations

from .errors import AwsError

# A hard limit.
TAGS_PER_IMAGE = 1000
IMAGES_PER_REPOSITORY = 100_000
# In no document: as told by pushes that were refused.
REFERRERS_PER_SUBJECT = 100


def too_many_tags(repository: str, account: str, tag: str) -> AwsError:
    """Return the refusal of the tag that is one too many for its image."""
    return _exceeded(
        f"Adding tag '{tag}' to an image in the repository with name '{repository}' in registry with id '{account}' "
        f"exceeds the maximum allowed number of tags per image which is '{TAGS_PER_IMAGE}'"
    )


def too_many_images(repository: str, account: str, most: int) -> AwsError:
    """Return the refusal of an image by a repository that holds *most* of them."""
    return _exceeded(
        f"The repository with name '{repository}' in registry with id '{account}' "
        f"already has the maximum allowed number of images which is '{most}'"
    )


def too_many_referrers() -> AwsError:
    """Return the refusal of a referrer whose subject has its hundred."""
    return _exceeded(f"The subject of your artifact has the maximum number of artifacts ({REFERRERS_PER_SUBJECT})")


def _exceeded(text: str) -> AwsError:
    return AwsError("LimitExceededException", text)
