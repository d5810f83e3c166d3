#!/usr/bin/env bash
# Measures everything that the README shows and writes it into this folder and
# between the README's markers. Wants a machine that does nothing else.
#
#   LLMZ=./llmz bash testdata/bench/run.sh [STAGE...]
#
# Stages: samples devices scaling corpus report. Without a name all of them are run,
# corpus (a quarter of an hour) only where ../shared/corpora has the Canterbury files.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=testdata/bench
llmz=${LLMZ:-./llmz}
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
runs=${RUNS:-3}
corpus=../shared/corpora/canterbury_all
samples=(testdata/canterbury_small.bin testdata/fresh.txt testdata/alice29.txt)

measure() { # NAME ARG...: the rows go to NAME.jsonl, a failed row stops nothing
  local name=$1
  shift
  "$llmz" bench --no-tui --yes --budget 10s --runs "$runs" --commit "$commit" -o "$out/$name.jsonl" "$@" >/dev/null || {
    local code=$?
    [ "$code" = 1 ] && [ -s "$out/$name.jsonl" ] || return "$code"
  }
}

stage_samples() {
  measure samples --peers "${samples[@]}"
  measure control --rot13 -m gru,lstm,none,gzip-9,bzip2-9,xz-9,brotli-11 "${samples[0]}"
}

# The notes' table by device: here, one row per kernel.
stage_devices() {
  measure devices --warmup 0 -m gru,lstm --devices all testdata/canterbury_small.bin
}

stage_scaling() {
  measure threads -m gru,lstm --threads 1,2,4 testdata/alice29.txt
  measure lanes -m lstm --lanes 1,2,4,8,16,32 testdata/alice29.txt
  measure sizes -m gru,lstm,none,xz-9 --sizes 1kB,5kB,20kB,80kB testdata/alice29.txt
}

# The concatenation of the Canterbury files, without large/E.coli.
stage_corpus() {
  local dir whole
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' RETURN
  whole=$dir/all13
  (
    cd "$corpus"
    (cd canterbury && cat alice29.txt asyoulik.txt cp.html fields.c grammar.lsp kennedy.xls lcet10.txt plrabn12.txt ptt5 sum xargs.1)
    (cd artificial && cat a.txt aaa.txt alphabet.txt random.txt)
    cat large/bible.txt large/world192.txt misc/pi.txt
    (cd calgary && cat bib book1 book2 geo news obj1 obj2 paper1 paper2 paper3 paper4 paper5 paper6 pic progc progl progp trans)
  ) >"$whole"
  runs=1 measure corpus --warmup 0 "$whole"
}

stage_report() {
  cat "$out"/{samples,control,corpus,devices,threads,lanes,sizes}.jsonl 2>/dev/null >"$out/all.tmp" || true
  "$llmz" bench --no-tui --from "$out/all.tmp" --readme README.md --plots "$out" --format markdown >"$out/tables.md"
  rm -f "$out/all.tmp"
}

stages=("$@")
if [ ${#stages[@]} = 0 ]; then
  stages=(samples devices scaling)
  [ -d "$corpus" ] && stages+=(corpus)
  stages+=(report)
fi
for s in "${stages[@]}"; do
  printf '=== %s ===\n' "$s"
  "stage_$s"
done
