# Two commands: `make demo` shows what the project does, `make test` passes every check.
# Both set up .venv on the first call and start at once on the next.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

# Indexes that tests build stay in the checkout.
export IGS_CACHE ?= $(CURDIR)/.cache

.PHONY: demo test docs bench format clean
demo: $(STAMP)
	@$(BIN)/python -m benchmarks.demo

test: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

# The documentation as a site in site/, to be opened from the disk.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Speed ratios, ours and peers' in turn, as in docs/speed.md; goes on where it stopped.
bench: $(STAMP)
	$(BIN)/python -m benchmarks.speed --rounds 2 --scale 4 --output runs/speed.json

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# constraints.txt pins what we test with; pyproject.toml keeps honest ranges.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; pass PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv
