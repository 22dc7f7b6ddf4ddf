"""`VocabularyEndpoint`: a path that both vocabularies have."""

from typing import Any

from documents.vocabulary import VOCABULARIES, Vocabulary
from gateway.views import Call, Endpoint
from kernel.fields import InputT, as_dict, read_input


class VocabularyEndpoint(Endpoint):
    """Reads parameters by the names of the vocabulary its path belongs to."""

    @property
    def names(self) -> Vocabulary:
        return VOCABULARIES[self.dialect]

    def read(self, input_class: type[InputT], call: Call) -> InputT:
        return read_input(input_class, call.params, names=self.names.inputs)

    def arguments(self, input_class: type[InputT], call: Call) -> dict[str, Any]:
        """Return the keyword arguments of a service that takes these parameters."""
        data = self.read(input_class, call)
        return {"caller": call.caller, "names": self.names, **as_dict(data)}
