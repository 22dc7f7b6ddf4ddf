"""Paths of a project's own mail templates, and of a mail that tries its server out."""

from accounts import services
from accounts.inputs.lists import PageInput
from accounts.inputs.mails import (
    DeleteEmailTemplateInput,
    EmailTemplateInput,
    SmtpTestInput,
    UpdateEmailTemplateInput,
)
from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint, no_content
from kernel.fields import as_dict, read_input

READ, WRITE = "templates.read", "templates.write"


class EmailTemplatesView(Endpoint):
    @operation("project.listEmailTemplates", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(PageInput, call.params)
        return Answer(services.list_email_templates(caller=call.caller, **as_dict(data)))

    @operation("project.updateEmailTemplate", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateEmailTemplateInput, call.params)
        return Answer(services.update_email_template(caller=call.caller, **as_dict(data)))


class EmailTemplateView(Endpoint):
    @operation("project.getEmailTemplate", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(EmailTemplateInput, call.params)
        return Answer(services.get_email_template(caller=call.caller, **as_dict(data)))


class OlderEmailTemplatesView(Endpoint):
    """A project's templates, named by its path."""

    @operation("projects.deleteProjectsProjectIdTemplatesEmail", scope="projects.write")
    def delete(self, call: Call) -> Answer:
        data = read_input(DeleteEmailTemplateInput, call.params)
        services.delete_email_template(caller=call.caller, **as_dict(data))
        return no_content()


class SmtpTestsView(Endpoint):
    @operation("project.createSMTPTest", scope="project.write", needs_project=True)
    def post(self, call: Call) -> Answer:
        data = read_input(SmtpTestInput, call.params)
        services.create_smtp_test(caller=call.caller, **as_dict(data))
        return no_content()
