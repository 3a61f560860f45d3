// Queries about occurrences that are there: every value in them was drawn from some occurrence.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/time_format.h"
#include "model/field.h"
#include "model/occurrence.h"
#include "query/ast.h"
#include "query/value_parser.h"

namespace cairn::testing {

class RealQueries {
 public:
  explicit RealQueries(uint64_t seed) : random_(seed) {}

  void learn(const model::Occurrence& occurrence) {
    // Longer ones are read by people, not typed.
    constexpr size_t kLongest = 150;
    times_.push_back(occurrence.time());
    for (const model::Term& term : extractor_.extract(occurrence)) {
      // A quoted text cannot end with a backslash.
      if (term.value.size() > kLongest || term.value.ends_with('\\')) continue;
      query::Key key;
      if (term.id == FieldId{0}) {
        key.form = query::KeyForm::Tag;
        key.name = term.tag;
        key.quoted = !std::all_of(key.name.begin(), key.name.end(), is_name_char);
        if (key.name.find_first_of("\"\n") != std::string::npos) continue;
      } else {
        key.name = name_of(term.id);
        if (key.name.empty()) continue;
      }
      auto& [known, values] = fields_[query::column_name(key)];
      known = std::move(key);
      values.emplace_back(term.value);
    }
  }

  uint64_t below(uint64_t n) { return random_() % n; }

  query::Node node(int depth) {
    query::Node out;
    const uint64_t kind = depth == 0 ? 9 : below(10);
    if (kind < 3) {
      query::And all;
      for (uint64_t i = 2 + below(2); i > 0; --i) all.terms.push_back(node(depth - 1));
      out.what = std::move(all);
    } else if (kind < 5) {
      query::Or any;
      for (uint64_t i = 2 + below(2); i > 0; --i) any.terms.push_back(node(depth - 1));
      out.what = std::move(any);
    } else if (kind == 5) {
      out.what = query::Not{std::make_unique<query::Node>(node(depth - 1))};
    } else if (below(8) == 0) {
      out.what = words();
    } else {
      out.what = filter();
    }
    return out;
  }

  // A field to make rows by, the same one for the same state of the randomness.
  query::Key field() { return any_field().first; }

 private:
  struct Field {
    query::Key first;
    std::vector<std::string> values;  // as often as they came
  };

  static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  }

  // "": the type, or a level of the fingerprint, which have no name for the occurrence's
  // own; or a field that takes no pieces of texts.
  static std::string name_of(FieldId id) {
    static constexpr std::array<std::string_view, 4> kTyped = {"error.handled", "error.unhandled",
                                                               "error.main_thread", "stack.lineno"};
    for (const model::BuiltinField& builtin : model::builtin_fields()) {
      if (std::find(kTyped.begin(), kTyped.end(), builtin.name) != kTyped.end()) continue;
      const bool named = std::all_of(builtin.name.begin(), builtin.name.end(), is_name_char);
      if (builtin.id == id && named && id != model::field::kType) return std::string(builtin.name);
    }
    return "";
  }

  const Field& any_field() { return std::next(fields_.begin(), below(fields_.size()))->second; }

  const std::string& any_value(const Field& field) {
    return field.values[below(field.values.size())];
  }

  static query::Value quoted(std::string text) {
    query::Value value;
    value.text = std::move(text);
    value.quoted = true;
    return value;
  }

  // A part of the text; characters may be cut in their middle, as bytes are compared.
  std::string part_of(const std::string& text) {
    const size_t begin = below(text.size());
    std::string part = text.substr(begin, 1 + below(12));
    while (part.ends_with('\\')) part.pop_back();
    return part.empty() ? "e" : part;
  }

  query::Value pattern(const std::string& text) {
    query::Value value = quoted("");
    const std::string part = part_of(text);
    switch (below(4)) {
      case 0:
        value.pattern = {text.substr(0, 1 + below(text.size())), ""};
        break;
      case 1:
        value.pattern = {"", part, ""};
        break;
      case 2:
        value.pattern = {text.substr(0, 1), part, ""};
        break;
      default:
        value.pattern = {"", text.substr(below(text.size()))};
    }
    for (size_t i = 0; i < value.pattern.size(); ++i) {
      value.text += (i > 0 ? "*" : "") + value.pattern[i];
    }
    return value;
  }

  query::FreeText words() {
    static constexpr std::array kFields = {"title", "message", "culprit", "subtitle"};
    query::FreeText text;
    const auto field = fields_.find(kFields[below(kFields.size())]);
    text.value = quoted(field == fields_.end() ? "error" : part_of(any_value(field->second)));
    text.negated = below(4) == 0;
    return text;
  }

  query::Filter filter() {
    query::Filter filter;
    filter.negated = below(4) == 0;
    switch (below(9)) {
      case 0:
        state(filter);
        break;
      case 1:
        time(filter);
        break;
      case 2:
        filter.key.name = below(2) == 0 ? "times_seen" : "merged";
        filter.op = query::Op::GreaterEqual;
        filter.values = {bare(std::to_string(below(6)))};
        break;
      case 3:
        has(filter);
        break;
      default:
        of_event(filter);
    }
    return filter;
  }

  static query::Value bare(std::string text) {
    query::Value value;
    value.text = std::move(text);
    return value;
  }

  void has(query::Filter& filter) {
    const query::Key key = field();
    filter.key.name = "has";
    filter.values = {bare(query::column_name(key))};
    if (key.form == query::KeyForm::Tag && key.quoted) {
      filter.values = {quoted("tags[\"" + key.name + "\"]")};
    }
  }

  void state(query::Filter& filter) {
    static constexpr std::array kStates = {"unresolved", "resolved", "archived", "new",
                                           "ongoing",    "assigned", "regressed"};
    filter.key.name = "is";
    filter.values = {bare(kStates[below(kStates.size())])};
  }

  void time(query::Filter& filter) {
    static constexpr std::array kKeys = {"timestamp", "timestamp", "first_seen", "last_seen"};
    static constexpr std::array kOps = {query::Op::Greater, query::Op::GreaterEqual,
                                        query::Op::Less, query::Op::LessEqual, query::Op::Equal};
    filter.key.name = kKeys[below(kKeys.size())];
    filter.op = kOps[below(kOps.size())];
    const std::string text = format_time(times_[below(times_.size())]);
    filter.values = {bare(below(2) == 0 ? text.substr(0, 10) : text)};
  }

  void of_event(query::Filter& filter) {
    const Field& field = any_field();
    filter.key = field.first;
    const std::string& text = any_value(field);
    const bool release = field.first.name == "release" && !field.first.quoted;
    const auto number = query::parse_quantity(text);
    if (number && field.first.form == query::KeyForm::Tag && below(2) == 0) {
      static constexpr std::array kOps = {query::Op::Greater, query::Op::LessEqual,
                                          query::Op::Less};
      filter.key.tag_type = "number";
      filter.op = kOps[below(kOps.size())];
      filter.values = {bare(text)};
      return;
    }
    switch (below(6)) {
      case 0:
        filter.list = true;
        for (uint64_t i = 1 + below(4); i > 0; --i)
          filter.values.push_back(quoted(any_value(field)));
        if (below(2) == 0) filter.values.push_back(pattern(text));
        break;
      case 1:
        filter.values = {pattern(text)};
        break;
      case 2: {
        static constexpr std::array kOps = {query::Op::Contains, query::Op::StartsWith,
                                            query::Op::EndsWith};
        filter.op = kOps[below(kOps.size())];
        filter.values = {quoted(filter.op == query::Op::StartsWith ? text.substr(0, 1 + below(9))
                                                                   : part_of(text))};
        while (filter.values[0].text.ends_with('\\')) filter.values[0].text = "e";
        break;
      }
      case 3:
        filter.op = query::Op::Regex;
        filter.values = {bare(expression(text))};
        break;
      default:
        filter.values = {quoted(release && below(4) == 0 ? "" : text)};
    }
  }

  // Letters and digits of the text, all else as a dot.
  std::string expression(const std::string& text) {
    std::string out;
    for (const char c : part_of(text)) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      out += plain ? c : '.';
    }
    return below(3) == 0 ? "^" + out : out;
  }

  std::mt19937_64 random_;
  model::TermExtractor extractor_;
  std::vector<TimeUs> times_;
  std::map<std::string, Field> fields_;
};

}  // namespace cairn::testing
