#!/usr/bin/env bash
# Measures everything that docs/benchmarks.md and the README show and writes it into this
# folder and between their markers. Wants a machine that does nothing else.
#
#   LLMZ=./llmz bash testdata/bench/run.sh [STAGE...]
#
# Stages: samples devices scaling determinism corpus report. Without a name all of them are run,
# corpus only where ../shared/corpora has the Canterbury files. It takes some five minutes, corpus
# half an hour more: the GRU codes its 14 MB at 20 kB/s on two cores, in both directions. What has
# been measured at this commit is not measured again: an interrupted run goes on where it
# stopped. FORCE=1 measures all the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=testdata/bench
llmz=${LLMZ:-./llmz}
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
runs=${RUNS:-3}
corpus=../shared/corpora/canterbury_all
samples=(testdata/canterbury_small.bin testdata/fresh.txt testdata/alice29.txt)

measure() { # NAME ARG...: the rows go to NAME.jsonl, a failed row stops nothing
  local name=$1 rows=$out/$1.jsonl begun=$SECONDS
  shift
  if [ "${FORCE:-0}" = 0 ] && grep -qs "\"commit\":\"$commit\"" "$rows"; then
    printf '%s: measured already at this commit\n' "$name"
    return
  fi
  "$llmz" bench --no-tui --yes --budget 10s --runs "$runs" --commit "$commit" -o "$rows.part" "$@" >/dev/null || {
    local code=$?
    [ "$code" = 1 ] && [ -s "$rows.part" ] || return "$code"
  }
  mv "$rows.part" "$rows"
  printf '%s: %d rows in %d s\n' "$name" "$(wc -l <"$rows")" "$((SECONDS - begun))"
}

stage_samples() {
  measure samples --peers "${samples[@]}"
  measure bare --no-mix -m gru,lstm "${samples[@]}"
  measure control --rot13 -m gru,lstm,none,gzip-9,bzip2-9,xz-9,brotli-11 "${samples[0]}"
}

# The prototype's table by device: here, one row per kernel.
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
  # The quick ones first, so that there is something if it is stopped.
  runs=1 measure corpus-classic --warmup 0 --peers -m zip-9,gzip-9,bzip2-9,xz-9,zstd-3,zstd-best,brotli-11 "$whole"
  local model
  for model in none lstm gru; do
    runs=1 measure "corpus-$model" --warmup 0 -m "$model" "$whole"
  done
}

# Digests of archives made by every kernel and thread count of this machine, and by
# arm64's where qemu emulates it. Fails unless all are equal and each decodes the first.
stage_determinism() {
  local dir table=$out/determinism.md qemu model kernel threads run first='' line digest rows=0
  if [ "${FORCE:-0}" = 0 ] && grep -qs "commit ${commit:0:12}" "$table"; then
    printf 'determinism: measured already at this commit\n'
    return
  fi
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' RETURN
  head -c 2048 testdata/alice29.txt >"$dir/in"
  local machines=("$(go env GOARCH)")
  cp "$llmz" "$dir/${machines[0]}"
  if [ "${machines[0]}" = amd64 ] && qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64); then
    GOARCH=arm64 go build -tags nollama -o "$dir/arm64" ./cmd/llmz
    machines+=(arm64)
  fi
  {
    printf 'SHA-256, first 16 digits, of archives of the first 2,048 bytes of `alice29.txt`, with `--lanes 8`, at\n'
    printf 'commit %s; each program also decoded the archives of the first row:\n\n' "${commit:0:12}"
    printf '| Processor | Kernel | Threads | gru | lstm | none |\n|---|---|---:|---|---|---|\n'
  } >"$dir/table"
  for machine in "${machines[@]}"; do
    run=("$dir/$machine")
    [ "$machine" = "${machines[0]}" ] || run=("$qemu" "${run[@]}")
    for kernel in generic avx2 avxvnni avx512vnni neon neondot; do
      export LLMZ_KERNEL=$kernel
      # Not a pipe: grep would end first, and pipefail take that for a failure.
      "${run[@]}" version -v >"$dir/version" 2>/dev/null || continue
      grep -q "^kernel *$kernel\$" "$dir/version" || continue
      for threads in 1 2; do
        [ "$threads" = 1 ] || [ "$kernel" != generic ] || continue # takes long, and is the same code
        line=''
        for model in gru lstm none; do
          "${run[@]}" -q -c -m "$model" --lanes 8 -T "$threads" <"$dir/in" >"$dir/archive"
          [ "$rows" != 0 ] || cp "$dir/archive" "$dir/first.$model"
          "${run[@]}" -q -dc -T "$threads" <"$dir/first.$model" | cmp - "$dir/in"
          digest=$(sha256sum <"$dir/archive")
          line+=" | \`${digest:0:16}\`"
        done
        [ "$rows" != 0 ] || first=$line
        rows=$((rows + 1))
        printf '| %s | %s | %d%s |\n' "$machine$([ "$machine" = "${machines[0]}" ] || echo ', emulated')" "$kernel" "$threads" "$line" >>"$dir/table"
        if [ "$line" != "$first" ]; then
          printf 'archives differ: %s, kernel %s, %d threads\n' "$machine" "$kernel" "$threads" >&2
          return 1
        fi
      done
    done
  done
  unset LLMZ_KERNEL
  cp "$dir/table" "$table"
  printf 'determinism: %d ways, the same archives\n' "$rows"
}

# Puts a file between a page's markers of a name.
splice() { # PAGE NAME FILE
  local new
  new=$(mktemp)
  awk -v name="$2" -v file="$3" '
    $0 ~ "<!-- " name ":end" { inside = 0 }
    !inside { print }
    $0 ~ "<!-- " name ":begin" { inside = 1; print ""; while ((getline line < file) > 0) print line; print "" }
  ' "$1" >"$new"
  cat "$new" >"$1"
  rm "$new"
}

stage_report() {
  [ ! -f "$out/determinism.md" ] || splice docs/determinism.md determinism "$out/determinism.md"
  cat "$out"/{samples,bare,control,corpus-gru,corpus-lstm,corpus-none,corpus-classic,devices,threads,lanes,sizes}.jsonl 2>/dev/null >"$out/all.tmp" || true
  "$llmz" bench --no-tui -v --from "$out/all.tmp" --readme README.md --readme docs/benchmarks.md --plots "$out" --format markdown >"$out/tables.md"
  rm -f "$out/all.tmp"
}

stages=("$@")
if [ ${#stages[@]} = 0 ]; then
  stages=(samples devices scaling determinism)
  [ -d "$corpus" ] && stages+=(corpus)
  stages+=(report)
fi
for s in "${stages[@]}"; do
  printf '=== %s ===\n' "$s"
  "stage_$s"
done
