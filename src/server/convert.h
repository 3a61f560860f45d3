// Answers as plain values, made on a worker beside its snapshot, and as messages, on the loop.
// Values; thread: any.
#pragma once

#include <string>
#include <vector>

#include "engine/store.h"
#include "issue_store.capnp.h"
#include "query/search.h"
#include "server/gate.h"
#include "server/ingester.h"

namespace cairn::server {

struct IssueValue {
  uint32_t id = 0;
  std::string short_id;
  uint64_t project = 0;
  std::string title;
  std::string status;
  std::string substatus;
  std::string level;
  std::string priority;
  uint32_t type = 0;
  std::string assignee;
  TimeUs first_seen{};
  TimeUs last_seen{};
  uint64_t times_seen = 0;
  uint64_t count = 0;
  uint64_t users = 0;
  std::vector<std::string> merged;

  bool operator==(const IssueValue&) const = default;
};

struct PageValue {
  Lsn lsn{};
  uint64_t total = 0;
  std::vector<IssueValue> issues;
  std::string next;
  std::string prev;
  std::vector<std::string> warnings;
};

PageValue page_value(const model::Forest& forest, query::SearchPage page);

schema::ErrorCode code_of(const Refusal& refusal);
void write_error(schema::Error::Builder out, const Refusal& refusal);
void write_issue(schema::Issue::Builder out, const IssueValue& issue);
void write_page(schema::Page::Builder out, const PageValue& page);
void write_table(schema::Table::Builder out, const query::Table& table);
void write_acknowledgement(schema::Acknowledgement::Builder out, const IngestAnswer& answer);
void write_rights(schema::Rights::Builder out, const verbs::Rights& rights);
verbs::Rights read_rights(schema::Rights::Reader in);

inline std::string text_of(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

}  // namespace cairn::server
