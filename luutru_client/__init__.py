"""The typed Python client of the API: needs Python and nothing else; ``Api`` has a method for each operation.

- ``line.py`` is written by hand: tokens, waiting when told to wait, problems as exceptions. The rest is written from the API's document.

Example::

    api = Api(Line("https://luutru.example", client_id="...", client_secret="..."))
    receipt = api.post_declaration(declaration)
"""

from luutru_client.calls import Api
from luutru_client.line import ApiProblem, Line

__all__ = ["Api", "ApiProblem", "Line"]
