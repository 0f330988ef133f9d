# make run     the environment, the application and its main job on the bundled study
# make test    the same environment, then every check and test
# make test-all  those, and eight training steps of every recipe on real data
# make format  let ruff rewrite what it can
# make bench   speed against the reference pipeline, and of drawing (on a machine that does nothing else);
#              with NAPARI=its/bin/python, an interpreter that has napari[pyqt6] and pydicom, of the window beside napari
# make installer  a folder that runs without Python, dist/busi-viewer/, and on Debian and Ubuntu a package of it
# make clean   remove what these made, except the environment (make distclean: that too)

VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENT := packaging/environment.sh $(VENV)

.PHONY: run test test-all lint format bench installer clean distclean
.DEFAULT_GOAL := run

run:
	@$(ENVIRONMENT)
	@packaging/run.sh $(VENV)

test: lint
	@packaging/system_libraries.sh
	@packaging/test_peers.sh
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --ignore=tests/benchmarks --cov --cov-report=term

test-all: test
	BUSI_VIEWER_TEST_ALL=1 QT_QPA_PLATFORM=offscreen $(BIN)/pytest tests/training/test_training_recipes.py -k real_data

lint:
	@$(ENVIRONMENT) dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format:
	@$(ENVIRONMENT) dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench:
	@$(ENVIRONMENT) dev
	$(BIN)/busi-viewer bench
	QT_QPA_PLATFORM=offscreen $(BIN)/pytest tests/benchmarks
	@if [ -n "$(NAPARI)" ]; then xvfb-run -a -s "-screen 0 3840x2160x24" \
		$(BIN)/python tests/benchmarks/window_against_napari.py --napari $(NAPARI); fi

installer:
	@$(ENVIRONMENT) installer
	$(BIN)/python packaging/icons.py
	$(BIN)/pyinstaller --noconfirm --log-level=WARN packaging/busi_viewer.spec
	packaging/strip.sh dist/busi-viewer
	packaging/standins.sh dist/busi-viewer
	$(BIN)/python packaging/icu.py dist/busi-viewer
	QT_QPA_PLATFORM=offscreen dist/busi-viewer/busi-viewer --selftest
	@if command -v dpkg-deb >/dev/null; then packaging/deb.sh; fi
	@du -sh dist/*

clean:
	rm -rf build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find busi_viewer tests resources packaging -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
