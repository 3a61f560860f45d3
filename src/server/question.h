// Questions: as values, and what answering one gives. Thread: answering is for workers.
#pragma once

#include <atomic>
#include <string>
#include <variant>

#include "issue_store.capnp.h"
#include "server/convert.h"
#include "server/host.h"

namespace cairn::server {

struct Question {
  std::string query;
  std::string experiment;
  Lsn at_least{};
  query::SearchOptions options;
  verbs::Rights rights;
};

template <class T>
using Answer = std::variant<T, Refusal>;

// InvalidArgument: unknown sort, limit out of range.
Result<Question> read_question(schema::SearchRequest::Reader in, const Config& config,
                               const verbs::Rights& rights);

Answer<PageValue> answer_page(Host& host, const Question& question,
                              const std::atomic<bool>& cancelled);
Answer<query::Table> answer_table(Host& host, const Question& question,
                                  const std::atomic<bool>& cancelled);

}  // namespace cairn::server
