.PHONY: help lint format test slow coverage check bench lock

help:  ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

lint:  ## Style, types and floors.
	ruff check .
	ruff format --check .
	pyright
	lint-imports

format:  ## Put the code into the house style.
	ruff check --fix .
	ruff format .

test:  ## The README's tests.
	pytest

slow:  ## The tests that take longer than the README's command should, and those of bits as users compile them.
	pytest -m "slow or bits"

coverage:  ## The README's tests with the share of branches they reach; at least 85 %.
	pytest --cov --cov-branch

check: lint test slow  ## What CI runs, beside the README's commands.

bench:  ## Benchmarks, each answer stored beside its time.
	python -m benchmarks

lock:  ## Resolve the dependencies anew.
	uv lock
