import re

import pytest

from serve.listening import port_of


@pytest.mark.parametrize(
    ("environment", "port"), [({}, None), ({"AURORA_PORT": ""}, None), ({"AURORA_PORT": "81"}, 81)]
)
def test_the_port_is_the_one_named(environment, port):
    assert port_of(environment) == port


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8000.0", "http", "²"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(f"AURORA_PORT must be a port from 1 to 65535, was {text!r}.")):
        port_of({"AURORA_PORT": text})
