// The way of an occurrence in: line, terms, ids, fold, head, log, segment. Items are occurrences.
#include <benchmark/benchmark.h>

#include "base/file_system.h"
#include "load.h"
#include "log/log_writer.h"
#include "model/message.h"
#include "model/record_codec.h"
#include "storage/checkpoint.h"
#include "storage/segment.h"

namespace cairn::bench {
namespace {

void count(benchmark::State& state, size_t items) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(items));
}

// A line into an occurrence and its terms.
void parse(benchmark::State& state) {
  const Load& from = load();
  model::MessageParser parser;
  model::TermBatch terms;
  int64_t bytes = 0;
  size_t at = 0;
  for (auto _ : state) {
    if (at % kBatch == 0) terms.clear();
    const std::string& line = from.lines[at++ % kOccurrences];
    benchmark::DoNotOptimize(must(parser.parse(line, &terms)));
    bytes += static_cast<int64_t>(line.size());
  }
  count(state, 1);
  state.SetBytesProcessed(bytes);
}
BENCHMARK(parse);

// Texts of all terms into ids, nothing known before. Half of the load is new users and urls.
void dictionary_intern(benchmark::State& state) {
  const Load& from = load();
  for (auto _ : state) {
    storage::Dictionary dictionary;
    storage::Dictionary::TagFields tags;
    storage::Dictionary::Terms terms;
    for (size_t i = 0; i < kOccurrences; ++i) {
      must(dictionary.intern(from.terms, i, tags, terms));
    }
    benchmark::DoNotOptimize(terms);
  }
  count(state, kOccurrences);
}
BENCHMARK(dictionary_intern)->Unit(benchmark::kMillisecond);

// The same when every value is known already.
void dictionary_known(benchmark::State& state) {
  const Load& from = load();
  const auto folded = fold();
  storage::Dictionary::TagFields tags;
  storage::Dictionary::Terms terms;
  size_t at = 0;
  for (auto _ : state) {
    must(folded->dictionary.intern(from.terms, at++ % kOccurrences, tags, terms));
  }
  count(state, 1);
}
BENCHMARK(dictionary_known);

void fold_apply(benchmark::State& state) {
  const Load& from = load();
  for (auto _ : state) {
    model::State folded;
    for (size_t i = 0; i < kOccurrences; ++i) {
      benchmark::DoNotOptimize(must(folded.apply(from.records[i], Lsn{i + 1})));
    }
  }
  count(state, kOccurrences);
}
BENCHMARK(fold_apply)->Unit(benchmark::kMillisecond);

void head_add(benchmark::State& state) {
  const storage::Head& from = folded().head;
  for (auto _ : state) {
    storage::Head head;
    for (Ordinal o = 0; o < from.size(); ++o) {
      head.add({from.lsn(o), from.time(o), from.project(o), from.fingerprint(o), from.id_hash(o),
                from.terms(o)});
    }
    benchmark::DoNotOptimize(head);
  }
  count(state, kOccurrences);
  state.counters["bytes_per_occurrence"] =
      static_cast<double>(from.memory_bytes()) / static_cast<double>(kOccurrences);
}
BENCHMARK(head_add)->Unit(benchmark::kMillisecond);

// Groups, fingerprints and projects out of the index, as opening a store does. Items: groups.
void state_load(benchmark::State& state) {
  const ScratchDirectory directory;
  const auto env = must(storage::LmdbEnv::open(directory.path(), {}));
  {
    const auto txn = must(storage::WriteTxn::begin(*env));
    must(storage::all_rows(folded().state).write(*txn));
    must(txn->commit());
  }
  const auto txn = must(storage::ReadTxn::begin(*env));
  for (auto _ : state) {
    model::State loaded;
    must(storage::load_state(*txn, loaded));
    benchmark::DoNotOptimize(loaded);
  }
  count(state, folded().state.group_count());
}
BENCHMARK(state_load)->Unit(benchmark::kMillisecond);

// A whole head into the bytes of a segment, without writing them.
void seal(benchmark::State& state) {
  const storage::Head& head = folded().head;
  size_t bytes = 0;
  for (auto _ : state) {
    const auto image = must(storage::seal_segment(storage::SegmentId{1}, head));
    bytes = 0;
    for (const auto& value : image.values) bytes += value.bytes.size();
  }
  count(state, kOccurrences);
  state.counters["bytes_per_occurrence"] =
      static_cast<double>(bytes) / static_cast<double>(kOccurrences);
}
BENCHMARK(seal)->Unit(benchmark::kMillisecond);

void record_encode(benchmark::State& state) {
  const Load& from = load();
  model::RecordEncoder encoder;
  for (auto _ : state) {
    benchmark::DoNotOptimize(encoder.encode(std::span(from.records).first(kBatch)));
  }
  count(state, kBatch);
}
BENCHMARK(record_encode)->Unit(benchmark::kMicrosecond);

// A log in a directory that goes away.
class ScratchLog {
 public:
  ScratchLog()
      : files_(make_posix_file_system()),
        writer_(
            must(log::LogWriter::open(*files_, directory_.path(), Uuid{}, {}, Lsn{}, nullptr))) {}
  log::LogWriter& writer() { return *writer_; }

 private:
  ScratchDirectory directory_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<log::LogWriter> writer_;
};

// A frame of so many records: encoded, compressed, checksummed, written, not yet durable.
void log_append(benchmark::State& state) {
  const Load& from = load();
  ScratchLog log;
  model::RecordEncoder encoder;
  const auto records = static_cast<size_t>(state.range(0));
  size_t at = 0;
  for (auto _ : state) {
    if (at + records > kOccurrences) at = 0;
    const auto payload = encoder.encode(std::span(from.records).subspan(at, records));
    at += records;
    must(log.writer().append(payload, static_cast<uint32_t>(records), encoder.plain_bytes()));
  }
  count(state, records);
}
BENCHMARK(log_append)->Arg(1)->Arg(static_cast<int64_t>(kBatch))->Unit(benchmark::kMicrosecond);

// The same until it is durable: what every acknowledgement waits for.
void log_append_sync(benchmark::State& state) {
  const Load& from = load();
  ScratchLog log;
  model::RecordEncoder encoder;
  const auto payload = encoder.encode(std::span(from.records).first(1));
  for (auto _ : state) {
    must(log.writer().append(payload, 1, encoder.plain_bytes()));
    must(log.writer().sync());
  }
}
BENCHMARK(log_append_sync)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace cairn::bench
