"""Whose an application is. Pure."""

from collections.abc import Mapping

from hub.kernel.applications import Application
from hub.kernel.errors import NotFound


class UnknownApplication(NotFound):
    """There is none of that name, or it is another organization's: which of the two is not said."""

    code = "application_unknown"
    default_detail = "No such application"


def require(applications: Mapping[str, Application], id: str, organization: str) -> Application:
    """The application of that id in that organization. Raises UnknownApplication."""
    application = applications.get(id)
    if application is None or application.organization != organization:
        raise UnknownApplication
    return application
