// Questions: as values, and what answering one gives. Thread: answering is for workers.
#pragma once

#include <atomic>
#include <string>
#include <variant>

#include "issue_store.capnp.h"
#include "server/convert.h"
#include "server/host.h"

namespace cairn::server {

// Which state of the store is asked.
struct Moment {
  std::string cursor;      // that of its list; "" = now
  std::string experiment;  // "" = the base
  Lsn at_least{};
};

// Finds nothing that `rights` hide. Errors: Store::snapshot_for(); Conflict (at_least).
Result<std::unique_ptr<engine::Snapshot>> take_snapshot(Host& host, const Moment& moment,
                                                        const verbs::Rights& rights);

// The error, without what is not for everybody to know: which issues, projects and values there
// are.
Refusal for_limited(const Error& error, const verbs::Rights& rights);

struct Question {
  std::string query;
  Moment moment;
  query::SearchOptions options;
  verbs::Rights rights;
};

template <class T>
using Answer = std::variant<T, Refusal>;

// InvalidArgument: unknown sort, limit out of range.
Result<Question> read_question(schema::SearchRequest::Reader in, const SessionLimits& limits,
                               const verbs::Rights& rights);

Answer<PageValue> answer_page(Host& host, const Question& question,
                              const std::atomic<bool>& cancelled);
Answer<query::Table> answer_table(Host& host, const Question& question,
                                  const std::atomic<bool>& cancelled);

}  // namespace cairn::server
