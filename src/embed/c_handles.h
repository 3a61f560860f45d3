// The handles of cairn.h, and how its functions call those of store.h: the C interface is made of
// the public C++ one alone.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/cairn.h"
#include "cairn/store.h"

struct cairn_error {
  cairn::Error error;
};
struct cairn_store {
  cairn::Store store;
};
struct cairn_snapshot {
  cairn::Snapshot snapshot;
};
struct cairn_cancellation {
  cairn::Cancellation flag;
};
struct cairn_submitted {
  cairn::Submitted value;
};
struct cairn_executed {
  cairn::Executed value;
};
struct cairn_answer {
  cairn::Answer value;
};
// What C sees of an issue points into the C++ one.
struct cairn_page {
  explicit cairn_page(cairn::IssuePage&& page);
  const cairn::IssuePage value;
  std::vector<std::vector<const char*>> merged;
  std::vector<cairn_issue> issues;
};
struct cairn_table {
  cairn::Table value;
};
struct cairn_events {
  cairn::EventPage value;
};
struct cairn_history {
  std::vector<cairn::HistoryEntry> value;
};

namespace cairn::c {

inline std::string text(const char* text) { return text == nullptr ? "" : text; }

// The same struct as callers of older and of newer libraries know it: what they do not have is 0.
template <class Options>
Options complete(const Options* given) {
  Options all{};
  if (given != nullptr) std::memcpy(&all, given, std::min(given->size, sizeof(Options)));
  return all;
}

QueryOptions query_options(const cairn_query_options* given);
SnapshotOptions snapshot_options(const cairn_moment* given);
WriteOptions write_options(const cairn_write_options* given);

// Fills `out`, unless it is nullptr. When there is no memory for it, with what needs none.
cairn_status fail(const Error& error, cairn_error** out) noexcept;
cairn_status fail_without_memory(cairn_error** out) noexcept;

// Runs fn, which returns a status.
template <class Fn>
cairn_status guard(cairn_error** error, Fn&& fn) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    return fn();
  } catch (...) {  // the C++ functions throw nothing: only copies made here do
    return fail_without_memory(error);
  }
}

// Runs fn, which returns a Result<T>, and puts a Handle made of its value into `out`, unless that
// is nullptr.
template <class Handle, class Fn>
cairn_status make(Handle** out, cairn_error** error, Fn&& fn) noexcept {
  if (out != nullptr) *out = nullptr;
  return guard(error, [&] {
    auto result = fn();
    if (!result.ok()) return fail(result.error(), error);
    if (out != nullptr) *out = new Handle{std::move(result).value()};
    return CAIRN_OK;
  });
}

template <class Fn>
cairn_status run(cairn_error** error, Fn&& fn) noexcept {
  return guard(error, [&] {
    const Result<void> result = fn();
    return result.ok() ? CAIRN_OK : fail(result.error(), error);
  });
}

}  // namespace cairn::c
