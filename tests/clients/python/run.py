"""One call of the published Python client.

Reads {"url", "apikey", "call", "arguments"} from stdin: a method such as
"instances.create_instance", and its arguments by name. An argument {"$": "models.x.Class", ...}
is one of the client's own objects. Writes {"answer"} or {"error", "kind"}.
"""

import importlib
import json
import sys

from evolutionapi.client import EvolutionClient


def value(argument):
    """An argument, or the client's object that it describes."""
    if not isinstance(argument, dict) or "$" not in argument:
        return argument
    fields = {name: value(field) for name, field in argument.items() if name != "$"}
    module, name = argument["$"].rsplit(".", 1)
    return getattr(importlib.import_module(f"evolutionapi.{module}"), name)(**fields)


def plain(answer):
    """What is written of an answer: the fields of an object."""
    return getattr(answer, "__dict__", str(answer))


def main():
    asked = json.load(sys.stdin)
    client = EvolutionClient(base_url=asked["url"], api_token=asked["apikey"])
    service, method = asked["call"].split(".")
    call = getattr(getattr(client, service), method)
    arguments = {name: value(argument) for name, argument in asked["arguments"].items()}
    try:
        told = {"answer": call(**arguments)}
    except Exception as error:  # Whatever a program that uses the client would see.
        told = {"error": str(error), "kind": type(error).__name__}
    json.dump(told, sys.stdout, default=plain)


main()
