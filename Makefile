# Thin: each target is one script. What a script needs and does stands at its top.
.PHONY: run test check e2e bench build types

run:   ; @scripts/run.sh
test:  ; @scripts/test.sh
check: ; @scripts/check.sh
e2e:   ; @scripts/e2e.sh
bench: ; @scripts/bench.sh
build: ; @scripts/build.sh
types: ; @scripts/types.sh ui/src/api/generated
