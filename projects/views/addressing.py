"""Two addresses of one project: `/v1/projects/{projectId}/...` and `/v1/project/...`."""

from gateway.views import Call, Endpoint

IN_HEADER, IN_PATH = 0, 1


class ProjectEndpoint(Endpoint):
    """Works on the project in the request's header or, made with `dialect=IN_PATH`, in its path."""

    def project_id(self, call: Call) -> str:
        """Return the id of the project to work on.

        Only a path parameter may name it: one in the query or the body would let a caller of one
        project reach into another.
        """
        if self.dialect == IN_PATH:
            return str(call.params["projectId"])
        return call.caller.project.uid
