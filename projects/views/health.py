"""Endpoints that tell how the installation is."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint
from projects import health

PONG = "Pong!"


class PingView(Endpoint):
    @operation("ping.get", scope="global")
    def get(self, call: Call) -> HttpResponseBase:
        return HttpResponse(PONG, content_type="text/plain; charset=UTF-8")


class HealthView(Endpoint):
    @operation("health.get", scope="health.read")
    def get(self, call: Call) -> Answer:
        return Answer(health.server())


class HealthDatabaseView(Endpoint):
    @operation("health.getDB", scope="health.read")
    def get(self, call: Call) -> Answer:
        return Answer(health.database())


class HealthCacheView(Endpoint):
    @operation("health.getCache", scope="health.read")
    def get(self, call: Call) -> Answer:
        return Answer(health.cache())


class HealthPubSubView(Endpoint):
    @operation("health.getPubSub", scope="health.read")
    def get(self, call: Call) -> Answer:
        return Answer(health.pubsub())


class HealthGeoView(Endpoint):
    @operation("health.getGeo", scope="health.read")
    def get(self, call: Call) -> Answer:
        return Answer(health.geo())


class HealthTimeView(Endpoint):
    @operation("health.getTime", scope="health.read")
    def get(self, call: Call) -> Answer:
        return Answer(health.clocks())


class HealthVersionView(Endpoint):
    @operation("health.getVersion", scope="public")
    def get(self, call: Call) -> Answer:
        return Answer(health.version())
