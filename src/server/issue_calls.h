// The calls about one issue and about experiments: as values, made by workers, and as messages.
#pragma once

#include "embed/convert.h"
//
#include <string>
#include <vector>

#include "issue_store.capnp.h"
#include "server/question.h"

namespace cairn::server {

struct HistoryQuestion {
  std::string issue;
  uint32_t limit = 0;
};
struct HistoryValue {
  Lsn lsn{};
  std::string issue;
  uint64_t total = 0;
  std::vector<v1::HistoryEntry> entries;
};

struct EventsQuestion {
  std::string issue;
  std::string filter;
  bool alone = false;
  Moment moment;
  query::EventOptions options;
};

struct ExperimentsValue {
  Lsn lsn{};
  std::vector<v1::Experiment> experiments;
};

struct ComparisonQuestion {
  std::string before;  // experiments; "" = the base
  std::string after;
  uint32_t limit = 0;  // of `changes`
};
struct ComparisonValue {
  Lsn lsn{};
  query::Comparison comparison;
  std::vector<std::string> changed;  // short ids of its changes
};

// InvalidArgument: a limit that is too large.
Result<HistoryQuestion> read_history(std::string issue, uint32_t limit);
Result<EventsQuestion> read_events(schema::EventsRequest::Reader in, const SessionLimits& limits);
Result<ComparisonQuestion> read_comparison(std::string before, std::string after, uint32_t limit);

// For workers. Whether `rights` cover questions was asked; projects are looked at here. Exhausted:
// more than one message should have.
Answer<HistoryValue> answer_history(Host& host, const HistoryQuestion& question,
                                    const verbs::Rights& rights);
Answer<v1::EventPage> answer_events(Host& host, const EventsQuestion& question,
                                    const verbs::Rights& rights,
                                    const std::atomic<bool>& cancelled);
Answer<ExperimentsValue> answer_experiments(Host& host, const verbs::Rights& rights);
Answer<ComparisonValue> answer_comparison(Host& host, const ComparisonQuestion& question,
                                          const verbs::Rights& rights);

void write_history(schema::History::Builder out, const HistoryValue& history);
void write_events(schema::EventPage::Builder out, const v1::EventPage& page);
void write_experiments(capnp::List<schema::Experiment>::Builder out,
                       const std::vector<v1::Experiment>& experiments);
void write_comparison(schema::Comparison::Builder out, const ComparisonValue& comparison);

}  // namespace cairn::server
