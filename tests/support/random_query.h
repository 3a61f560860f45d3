// Random queries over what RandomOccurrences makes, as trees and as text.
#pragma once

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/time_format.h"
#include "query/ast.h"
#include "support/random_fields.h"

namespace cairn::testing {

class RandomQuery {
 public:
  RandomQuery(uint64_t seed, TimeUs first, TimeUs last)
      : random_(seed), first_(first), last_(last) {}

  // Asked for by `id`, beside one that nothing has.
  void know_ids(std::vector<std::string> ids) { ids_ = std::move(ids); }

  uint64_t below(uint64_t n) { return random_() % n; }

  query::Node node(int depth) {
    query::Node out;
    const uint64_t kind = depth == 0 ? 9 : below(10);
    if (kind < 3) {
      query::And all;
      for (uint64_t i = 2 + below(3); i > 0; --i) all.terms.push_back(node(depth - 1));
      out.what = std::move(all);
    } else if (kind < 5) {
      query::Or any;
      for (uint64_t i = 2 + below(2); i > 0; --i) any.terms.push_back(node(depth - 1));
      out.what = std::move(any);
    } else if (kind == 5) {
      out.what = query::Not{std::make_unique<query::Node>(node(depth - 1))};
    } else if (below(12) == 0) {
      static constexpr std::array kPhrases = {"error 3",         "PART 1",     "module_2",
                                              "value",           "7",          "quiet failure",
                                              "nothing like it", "slow query", "ELECT 1 from"};
      query::FreeText text;
      text.value = literal(kPhrases[below(kPhrases.size())]);
      text.negated = below(4) == 0;
      text.value.quoted = text.negated;
      out.what = std::move(text);
    } else if (!filters_.empty() && below(5) == 0) {
      out.what = filters_[below(filters_.size())];  // equal conditions are answered once
    } else {
      constexpr size_t kKept = 6;
      if (filters_.size() == kKept) filters_.erase(filters_.begin());
      out.what = filters_.emplace_back(filter());
    }
    return out;
  }

  query::Key row_key() {
    static constexpr std::array kKeys = {
        "level",     "environment", "release",      "browser",    "shard",    "user",
        "url",       "error.type",  "fingerprint",  "issue",      "project",  "absent",
        "status",    "substatus",   "priority",     "issue.type", "assigned", "issue.category",
        "stack.top", "os.name",     "error.handled"};
    return plain(kKeys[below(kKeys.size())]);
  }

  query::AggregateStage table() {
    query::AggregateStage stage;
    if (below(4) != 0) stage.calls.push_back({"count", {}, {}});
    std::vector<std::string> used;
    for (uint64_t i = below(3); i > 0; --i) {
      query::Key key = row_key();
      if (std::find(used.begin(), used.end(), key.name) != used.end()) continue;
      used.push_back(key.name);
      stage.by.push_back(std::move(key));
    }
    if (stage.calls.empty() || below(2) == 0) stage.calls.push_back({"uniq", {row_key()}, {}});
    if (below(4) == 0) stage.calls.push_back({"issues", {}, {}});
    if (below(8) == 0) stage.calls.push_back({"count_unique", {row_key()}, {}});
    static constexpr std::array kComputed = {"sum", "avg", "min", "max",       "p50",
                                             "p75", "p95", "p99", "percentile"};
    for (uint64_t i = below(3); i > 0; --i) {
      query::Call call{kComputed[below(kComputed.size())], {}, {}};
      if (std::any_of(stage.calls.begin(), stage.calls.end(),
                      [&](const auto& one) { return one.function == call.function; })) {
        continue;
      }
      static constexpr std::array kNumbers = {"shard",         "shard",         "environment",
                                              "evidence.took", "evidence.rows", "stack.lineno"};
      call.arguments.push_back(plain(kNumbers[below(kNumbers.size())]));
      if (call.function == "percentile") {
        call.arguments.push_back(plain("0." + std::to_string(10 + below(90))));
      }
      stage.calls.insert(stage.calls.begin() + static_cast<ptrdiff_t>(below(2)), std::move(call));
    }
    static constexpr std::array<int64_t, 4> kWidths = {60, 3600, 86400, 5000};
    if (below(3) == 0) stage.every_us = kWidths[below(4)] * kMicrosPerSecond;
    return stage;
  }

  // On the first call of the table.
  query::WhereStage where(const query::AggregateStage& table) {
    static constexpr std::array kOps = {query::Op::Greater, query::Op::GreaterEqual,
                                        query::Op::Less,    query::Op::LessEqual,
                                        query::Op::Equal,   query::Op::NotEqual};
    query::WhereStage stage;
    stage.key = table.calls.front();
    stage.op = kOps[below(kOps.size())];
    stage.value.text = std::to_string(below(12));
    return stage;
  }

  // Stages of every kind, whether they go together or not.
  std::vector<query::Stage> pipeline() {
    std::vector<query::Stage> stages;
    for (uint64_t i = 1 + below(4); i > 0; --i) stages.push_back(stage());
    return stages;
  }

  query::Stage stage() {
    switch (below(8)) {
      case 0:
        return query::TopStage{1 + static_cast<uint32_t>(below(50)), row_key(), {}};
      case 1: {
        query::HistogramStage histogram{row_key(), std::nullopt, {}};
        if (below(2) == 0) histogram.buckets = 2 + static_cast<uint32_t>(below(50));
        return histogram;
      }
      case 2: {
        query::FieldsStage fields;
        for (uint64_t i = 1 + below(5); i > 0; --i) fields.columns.push_back(column());
        return fields;
      }
      case 3:
        return query::TrendStage{period(), {}};
      case 4: {
        query::WhereStage condition = where(table());
        condition.key = column();
        return condition;
      }
      case 5:
        return query::SortStage{column(), below(2) == 0, {}};
      case 6:
        return query::LimitStage{1 + static_cast<uint32_t>(below(50)), {}};
      default: {
        query::AggregateStage aggregate = table();
        if (below(3) == 0) aggregate.vs_us = period();
        return aggregate;
      }
    }
  }

  // Some time of the occurrences, as text.
  std::string time() { return random_time(); }

  static query::Key plain(std::string name) {
    query::Key key;
    key.quoted = name.find(' ') != std::string::npos;
    key.name = std::move(name);
    return key;
  }

 private:
  query::ColumnRef column() {
    if (below(2) == 0) return row_key();
    query::Call call = table().calls.front();
    if (below(3) == 0) call.part = below(2) == 0 ? "before" : "change";
    return call;
  }

  int64_t period() {
    static constexpr std::array<int64_t, 5> kSeconds = {1, 60, 3600, 86'400, 604'800};
    return kSeconds[below(5)] * static_cast<int64_t>(1 + below(60)) * kMicrosPerSecond;
  }

  static query::Value literal(std::string text) {
    query::Value value;
    value.text = std::move(text);
    value.quoted = value.text.empty() || value.text.find_first_of(" ()\"[]") != std::string::npos;
    return value;
  }

  static query::Value wild(std::vector<std::string> runs) {
    query::Value value;
    for (size_t i = 0; i < runs.size(); ++i) value.text += (i > 0 ? "*" : "") + runs[i];
    value.quoted = value.text.find_first_of(" ()\"[]") != std::string::npos;
    value.pattern = std::move(runs);
    return value;
  }

  const RandomField& event_field() {
    const std::vector<RandomField>& fields = random_event_fields();
    return fields[below(fields.size())];
  }

  query::Value value_of(const RandomField& field) {
    const std::string& text = field.values[below(field.values.size())];
    if (below(12) == 0) return literal("");
    if (below(4) != 0) return literal(text);
    const size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        return wild({text.substr(0, at), ""});
      case 1:
        return wild({"", text.substr(at)});
      case 2:
        return wild({"", text.substr(at / 2, at / 2 + 1), ""});
      default:
        return wild({text.substr(0, at / 2), text.substr(at)});
    }
  }

  std::string random_time() {
    const int64_t span = raw(last_) - raw(first_) + 1;
    const int64_t seconds =
        (raw(first_) + static_cast<int64_t>(below(static_cast<uint64_t>(span)))) / kMicrosPerSecond;
    const std::string text = format_time(TimeUs{seconds * kMicrosPerSecond});
    return below(3) == 0 ? text.substr(0, 10) : text;
  }

  void time_value(query::Filter& filter) {
    static constexpr std::array kOps = {query::Op::Greater, query::Op::GreaterEqual,
                                        query::Op::Less, query::Op::LessEqual, query::Op::Equal};
    if (below(4) == 0) {
      static constexpr std::array kUnits = {"m", "h", "d"};
      filter.values = {
          literal((below(2) == 0 ? "-" : "+") + std::to_string(1 + below(90)) + kUnits[below(3)])};
    } else {
      filter.op = kOps[below(kOps.size())];
      filter.values = {literal(random_time())};
    }
  }

  query::Filter filter() {
    query::Filter filter;
    filter.negated = below(4) == 0;
    switch (below(8)) {
      case 0:
        group_filter(filter);
        break;
      case 1:
        filter.key = plain("is");
        filter.values = {literal(kIs[below(kIs.size())])};
        break;
      case 2:
        filter.key = plain("has");
        filter.values = {literal(below(8) == 0 ? "assigned" : event_field().name)};
        break;
      case 3:
        filter.key = plain("timestamp");
        time_value(filter);
        break;
      default:
        event_filter(filter);
        break;
    }
    return filter;
  }

  // Of fields whose values are more than text.
  void kind_filter(query::Filter& filter) {
    static constexpr std::array kOps = {query::Op::Greater, query::Op::GreaterEqual,
                                        query::Op::Less,    query::Op::LessEqual,
                                        query::Op::Equal,   query::Op::NotEqual};
    struct Choice {
      const char* key;
      std::vector<std::string> values;
      bool compares = true;
    };
    static const std::vector<Choice> kChoices = {
        {"evidence.took", {"50ms", "0.1s", "100", "0ms"}},
        {"evidence.rows", {"3", "10", "1k", "0"}},
        {"stack.lineno", {"0", "10", "25", "40"}},
        {"http.status_code", {"200", "400", "404", "500"}},
        {"device.class", {"low", "2", "high"}, false},
        {"error.handled", {"true", "false", "0", "1"}, false},
        {"error.unhandled", {"true", "false"}, false},
    };
    const Choice& choice = kChoices[below(kChoices.size())];
    filter.key = plain(choice.key);
    if (choice.compares) filter.op = kOps[below(kOps.size())];
    if (!choice.compares && below(4) == 0) filter.op = query::Op::NotEqual;
    filter.list =
        below(4) == 0 && (filter.op == query::Op::Equal || filter.op == query::Op::NotEqual);
    for (uint64_t i = filter.list ? 1 + below(3) : 1; i > 0; --i) {
      filter.values.push_back(literal(choice.values[below(choice.values.size())]));
    }
  }

  void id_filter(query::Filter& filter) {
    filter.key = plain("id");
    filter.list = below(2) == 0;
    for (uint64_t i = filter.list ? 1 + below(4) : 1; i > 0; --i) {
      const bool known = !ids_.empty() && below(5) != 0;
      filter.values.push_back(
          literal(known ? ids_[below(ids_.size())] : "00000000-0000-4000-8000-00000000000a"));
    }
  }

  void event_filter(query::Filter& filter) {
    if (below(5) == 0) return kind_filter(filter);
    if (below(20) == 0) return id_filter(filter);
    const RandomField& field = event_field();
    filter.key = plain(field.name);
    if (below(6) == 0) {
      filter.key.form = query::KeyForm::Tag;
    }
    filter.list = below(4) == 0;
    for (uint64_t i = filter.list ? 1 + below(3) : 1; i > 0; --i) {
      filter.values.push_back(value_of(field));
    }
    if (filter.key.name == "release.version") return version_filter(filter);
    static constexpr std::array kOps = {query::Op::Contains, query::Op::StartsWith,
                                        query::Op::EndsWith, query::Op::Greater};
    if (below(8) == 0 && !filter.values[0].text.empty() && !filter.list &&
        filter.key.name != "release") {
      // Evidence compares as numbers, which texts are not.
      const bool compares =
          filter.key.form == query::KeyForm::Plain && filter.key.name.starts_with("evidence.");
      filter.op = kOps[below(kOps.size() - (compares ? 1 : 0))];
    } else if (below(12) == 0 && filter.key.form == query::KeyForm::Plain) {
      static constexpr std::array kExpressions = {"^1|r$", "[0-3]+$", "(?i)ERR",   "fail|chrome",
                                                  "o{2}",  "^$",      "part [0-4]"};
      filter.op = query::Op::Regex;
      filter.list = false;
      filter.values = {{}};
      filter.values[0].text = kExpressions[below(kExpressions.size())];
    }
  }

  void version_filter(query::Filter& filter) {
    static constexpr std::array kOps = {query::Op::Greater, query::Op::GreaterEqual,
                                        query::Op::Less,    query::Op::LessEqual,
                                        query::Op::Equal,   query::Op::NotEqual};
    filter.key.form = query::KeyForm::Plain;
    std::erase_if(filter.values, [](const auto& value) {
      return value.text.find_first_not_of("0123456789.*") != std::string::npos ||
             (value.pattern.empty() && value.text.find('.') == std::string::npos);
    });
    if (filter.values.empty()) filter.values.push_back(literal("1.3"));
    if (!filter.list && filter.values[0].pattern.empty()) filter.op = kOps[below(kOps.size())];
  }

  void group_filter(query::Filter& filter) {
    struct Choice {
      const char* key;
      std::vector<std::string> values;
    };
    static const std::vector<Choice> kChoices = {
        {"status", {"unresolved", "resolved", "archived"}},
        {"substatus", {"new", "ongoing", "regressed", "forever"}},
        {"issue.priority", {"high", "medium", "low"}},
        {"issue.type", {"1", "6001", "feedback", "error"}},
        {"issue.category", {"1", "6"}},
        {"assigned", {"user:7", "7", "none", "team:3", "#3", "8"}},
        {"project", {"1", "2", "3", "9"}},
        {"first_release", {"1.0", "1.3", "2.5", "3.0", ""}},
        {"regressed_in_release", {"1.0", "2.2", "2.5", ""}},
        {"issue", {"1", "2", "3", "5"}},
    };
    if (below(4) == 0) {
      static constexpr std::array kKeys = {"first_seen", "last_seen", "age"};
      filter.key = plain(kKeys[below(3)]);
      return time_value(filter);
    }
    if (below(4) == 0) {
      static constexpr std::array kOps = {query::Op::Greater, query::Op::LessEqual,
                                          query::Op::Equal};
      filter.key = plain("times_seen");
      filter.op = kOps[below(3)];
      filter.values = {literal(std::to_string(below(30)))};
      return;
    }
    const Choice& choice = kChoices[below(kChoices.size())];
    filter.key = plain(choice.key);
    filter.list = below(3) == 0;
    for (uint64_t i = filter.list ? 1 + below(3) : 1; i > 0; --i) {
      filter.values.push_back(literal(choice.values[below(choice.values.size())]));
    }
  }

  static constexpr std::array kIs = {
      "unresolved", "resolved", "ignored",    "new",     "ongoing",
      "regressed",  "assigned", "unassigned", "forever", "archived_until_escalating"};

  std::mt19937_64 random_;
  std::vector<std::string> ids_;
  TimeUs first_;
  TimeUs last_;
  std::vector<query::Filter> filters_;  // the last ones made
};

}  // namespace cairn::testing
