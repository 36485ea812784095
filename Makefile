# Every target makes what it needs; a fresh clone and Python 3.11 are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `make test EXTRAS=test,serve,postgres` does without PyTorch and skips the tests of the training code; `make check` needs
# all of them.
EXTRAS ?= test,train,serve,postgres
FOR_TESTS := $(VENV)/installed-for-$(EXTRAS)

.PHONY: help demo test check fix bench clean

help:
	@echo "make demo    install, redact a real photo and a clip made of it, say where the results are"
	@echo "make test    install with what the tests need, and pass them"
	@echo "make check   format, lint, types, layers"
	@echo "make fix     format, and mend what can be mended without thinking"
	@echo "make bench   time and memory against the floors (takes some minutes)"

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(FOR_TESTS): $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	touch $@

$(VENV)/installed-for-demo: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

demo: $(VENV)/installed-for-demo
	$(BIN)/python tools/demo.py demo
	$(BIN)/passerby redact demo/astronaut.png demo/astronaut.mp4 --contact-sheet --force
	@echo "Look at demo/astronaut.redacted.png, demo/astronaut.redacted.mp4 and demo/astronaut.redacted.mp4.contact-sheet.png"

# Tests of whole programs, which mostly wait, in one process, and all others beside them.
test: $(FOR_TESTS)
	$(BIN)/python -m pytest -n 2

check: $(FOR_TESTS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(FOR_TESTS)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(FOR_TESTS)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python bench/video.py

clean:
	rm -rf $(VENV) demo build dist
