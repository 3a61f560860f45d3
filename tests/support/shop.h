// A small known store for tests of queries: one project "SHOP", a handful of issues, every field
// written out, so that answers can be told by reading.
#pragma once

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/time_format.h"
#include "model/command.h"
#include "query/parser.h"
#include "query/search.h"
#include "support/query_world.h"

namespace cairn::testing {

struct Event {
  std::string fingerprint;
  std::string time;  // as parse_time takes it
  std::string title = "Error";
  std::string level = "error";
  std::string event = "";  // members of the event, without braces
  uint64_t project = 1;
  uint32_t type = 1;
  std::string evidence_data = "";
  std::string evidence_display = "";
};

class Shop : public QueryWorld {
 public:
  Shop() { rename(1, "SHOP"); }

  void rename(uint64_t project, std::string slug) {
    model::ProjectChanged change;
    change.project = ProjectId{project};
    change.slug = std::move(slug);
    apply(std::move(change));
  }

  void event(const Event& event) {
    model::Occurrence occurrence;
    occurrence.id.bytes[0] = static_cast<uint8_t>(++events_);
    occurrence.id.bytes[1] = static_cast<uint8_t>(events_ >> 8);
    occurrence.project = ProjectId{event.project};
    occurrence.fingerprint = {event.fingerprint, "coarse"};
    occurrence.title = event.title;
    occurrence.level_text = event.level;
    occurrence.type = event.type;
    occurrence.detection_time = static_cast<double>(raw(at(event.time))) / kMicrosPerSecond;
    occurrence.event = "{" + event.event + "}";
    occurrence.evidence_data = event.evidence_data;
    occurrence.evidence_display = event.evidence_display;
    add(occurrence);
  }

  void command(const model::Command& command) {
    auto body = must(model::decide(state(), command));
    REQUIRE(body.has_value());
    apply(std::move(*body));
  }

  static TimeUs at(const std::string& text) {
    const auto time = parse_time(text);
    REQUIRE(time.has_value());
    return *time;
  }

  query::SearchOptions options() const {
    query::SearchOptions options;
    options.now = at("2026-11-21T12:00:00Z");
    return options;
  }

  // Short ids, in the order of the answer.
  std::vector<std::string> issues(const std::string& text) {
    std::vector<std::string> ids;
    for (const auto& row : must(query::search(view(), parsed(text), options())).issues) {
      ids.push_back(state().short_id(row.id));
    }
    return ids;
  }

  // The number of matching occurrences.
  int64_t count(const std::string& text) {
    const auto table = must(query::aggregate(view(), parsed(text + " | count()"), options()));
    return std::get<int64_t>(table.rows.at(0).at(0).value);
  }

  // Rows as text, cells parted by blanks, no value as "-".
  std::vector<std::string> table(const std::string& text) {
    std::vector<std::string> rows;
    for (const auto& row : must(query::aggregate(view(), parsed(text), options())).rows) {
      std::string line;
      for (const auto& cell : row) line += (line.empty() ? "" : " ") + cell_text(cell);
      rows.push_back(line);
    }
    return rows;
  }

  // What is wrong with a query; fails when nothing is.
  Error error(const std::string& text) {
    const query::Query query = parsed(text);
    const bool table = query::is_aggregate(query);
    if (table) {
      auto answer = query::aggregate(view(), query, options());
      REQUIRE_FALSE(answer.ok());
      return answer.error();
    }
    auto answer = query::search(view(), query, options());
    REQUIRE_FALSE(answer.ok());
    return answer.error();
  }

  static query::Query parsed(const std::string& text) { return must(query::parse(text)); }

 private:
  static std::string cell_text(const query::Cell& cell) {
    if (const auto* integer = std::get_if<int64_t>(&cell.value)) return std::to_string(*integer);
    if (const auto* number = std::get_if<double>(&cell.value))
      return fmt::format("{:.6g}", *number);
    if (const auto* time = std::get_if<TimeUs>(&cell.value)) return format_time(*time);
    if (const auto* text = std::get_if<std::string>(&cell.value)) return *text;
    return "-";
  }

  int events_ = 0;
};

}  // namespace cairn::testing
