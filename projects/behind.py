"""The first step of a request in a service behind a gateway, in the place of the middleware."""

import orjson
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gateway import identity
from gateway.exceptions import error_response, to_api_error
from kernel.recent import renewals
from projects.middleware import ProjectMiddleware


class IdentityMiddleware(ProjectMiddleware):
    """Takes project and caller from the gateway's signed identity, and from nothing else.

    The gateway has judged the origin, and adds the headers that depend on it.
    """

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            identity.accept(request, settings.SERVICES)
        except Exception as error:  # noqa: BLE001  # leaves by the same door as an endpoint's
            return error_response(to_api_error(error, request))
        with renewals() as renewed:
            response = self.get_response(request)
        if renewed:
            response.headers[identity.RENEWED_HEADER] = orjson.dumps([*renewed]).decode()
        return response
