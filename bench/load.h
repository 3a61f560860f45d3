// What the microbenchmarks work on: generated occurrences, made once, in every form they take on
// their way from a line to a segment. Thread: one.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/record.h"
#include "model/state.h"
#include "model/term_batch.h"
#include "query/view.h"
#include "storage/dictionary.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"
#include "storage/part.h"

namespace cairn::bench {

inline constexpr size_t kOccurrences = 1u << 17;
inline constexpr size_t kBatch = 2000;  // records of one log frame, as an import makes them

[[noreturn]] inline void give_up(const Error& error) {
  std::fprintf(stderr, "benchmark: %s\n", error.message.c_str());
  std::exit(1);
}
template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error());
  return std::move(result).value();
}
inline void must(const Result<void>& result) {
  if (!result) give_up(result.error());
}

// In the system's place for temporary files; goes away with the object.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Load {
  std::vector<std::string> lines;
  std::vector<model::Record> records;  // an occurrence each
  model::TermBatch terms;              // of the same occurrences
};
const Load& load();

// The load folded, as a store holds it before the first checkpoint.
struct Folded {
  model::State state;
  storage::Dictionary dictionary;
  storage::Head head;
  std::vector<GroupId> roots;
};
std::unique_ptr<Folded> fold();
const Folded& folded();

// The same sealed into one segment of an index on disk.
class Sealed {
 public:
  Sealed();

  const storage::Part& part() const { return *part_; }
  query::View view() const;
  ValueId value(FieldId field, std::string_view text) const;

 private:
  ScratchDirectory directory_;
  std::unique_ptr<Folded> folded_;
  std::unique_ptr<storage::LmdbEnv> env_;
  std::unique_ptr<storage::ReadTxn> txn_;
  std::unique_ptr<storage::Part> part_;
  const storage::Part* parts_[1] = {};
};
const Sealed& sealed();

}  // namespace cairn::bench
