// An index in a directory of its own, and short ways to use it.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "storage/lmdb_env.h"
#include "support/temp_dir.h"

namespace cairn::testing {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}
inline void must(Result<void> result) {
  if (!result.ok()) FAIL(result.error().message);
}

// The code of a failed result; fails the test when it is ok.
template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (result.ok()) FAIL("expected an error");
  return result.error().code;
}

inline storage::IndexOptions small_index(uint64_t staged_bytes = 4u << 10) {
  storage::IndexOptions options;
  options.map_bytes = 1ull << 30;
  options.staged_bytes = staged_bytes;
  return options;
}

struct IndexFixture {
  TempDir dir;
  std::unique_ptr<storage::LmdbEnv> env = must(storage::LmdbEnv::open(dir.path(), small_index()));

  std::unique_ptr<storage::ReadTxn> read() { return must(storage::ReadTxn::begin(*env)); }
  std::unique_ptr<storage::WriteTxn> write() { return must(storage::WriteTxn::begin(*env)); }
  void reopen(storage::IndexOptions options = small_index()) {
    env.reset();
    env = must(storage::LmdbEnv::open(dir.path(), options));
  }
};

}  // namespace cairn::testing
