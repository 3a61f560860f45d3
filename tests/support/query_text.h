// Queries as a person would type them, from their trees.
#pragma once

#include <string>
#include <variant>

#include "query/ast.h"

namespace cairn::testing {

inline std::string text_of(const query::Value& value) {
  std::string text;
  const auto literal = [&](const std::string& run) {
    for (char c : run) {
      if (c == '*' || (c == '"' && value.quoted)) text += '\\';
      text += c;
    }
  };
  if (value.pattern.empty()) {
    literal(value.text);
  } else {
    for (size_t i = 0; i < value.pattern.size(); ++i) {
      if (i > 0) text += '*';
      literal(value.pattern[i]);
    }
  }
  return value.quoted ? '"' + text + '"' : text;
}

inline std::string text_of(const query::Key& key) {
  const std::string name = key.quoted ? '"' + key.name + '"' : key.name;
  return key.form == query::KeyForm::Tag ? "tags[" + name + "]" : name;
}

inline std::string text_of(query::Op op) {
  constexpr const char* kMark = "\xEF\x80\x8D";
  const auto word = [&](const char* name) { return kMark + std::string(name) + kMark; };
  switch (op) {
    case query::Op::Greater:
      return ">";
    case query::Op::GreaterEqual:
      return ">=";
    case query::Op::Less:
      return "<";
    case query::Op::LessEqual:
      return "<=";
    case query::Op::NotEqual:
      return "!=";
    case query::Op::Contains:
      return word("Contains");
    case query::Op::StartsWith:
      return word("StartsWith");
    case query::Op::EndsWith:
      return word("EndsWith");
    default:
      return "";
  }
}

inline std::string text_of(const query::Filter& filter) {
  std::string text = (filter.negated ? "!" : "") + text_of(filter.key) + ":" + text_of(filter.op);
  if (!filter.list) return text + text_of(filter.values.front());
  text += "[";
  for (size_t i = 0; i < filter.values.size(); ++i) {
    text += (i > 0 ? ", " : "") + text_of(filter.values[i]);
  }
  return text + "]";
}

// Negated groups are written !( ), which people cannot type: for reading, not for parsing.
inline std::string text_of(const query::Node& node) {
  const auto joined = [](const auto& terms, const char* between) {
    std::string text = "(";
    for (size_t i = 0; i < terms.size(); ++i) text += (i > 0 ? between : "") + text_of(terms[i]);
    return text + ")";
  };
  if (const auto* filter = std::get_if<query::Filter>(&node.what)) return text_of(*filter);
  if (const auto* free = std::get_if<query::FreeText>(&node.what)) {
    return (free->negated ? "!" : "") + text_of(free->value);
  }
  if (const auto* all = std::get_if<query::And>(&node.what)) return joined(all->terms, " AND ");
  if (const auto* any = std::get_if<query::Or>(&node.what)) return joined(any->terms, " OR ");
  return "!(" + text_of(*std::get<query::Not>(node.what).term) + ")";
}

inline bool can_be_typed(const query::Node& node) {
  const auto all_typed = [](const auto& terms) {
    for (const query::Node& term : terms) {
      if (!can_be_typed(term)) return false;
    }
    return true;
  };
  if (const auto* all = std::get_if<query::And>(&node.what)) return all_typed(all->terms);
  if (const auto* any = std::get_if<query::Or>(&node.what)) return all_typed(any->terms);
  return !std::holds_alternative<query::Not>(node.what);
}

inline std::string text_of(const query::AggregateStage& stage) {
  std::string text;
  for (const query::Call& call : stage.calls) {
    text += (text.empty() ? "" : " ") + call.function + "(";
    text += call.arguments.empty() ? ")" : text_of(call.arguments.front()) + ")";
  }
  for (size_t i = 0; i < stage.by.size(); ++i) {
    text += (i == 0 ? " by " : ", ") + text_of(stage.by[i]);
  }
  if (stage.every_us) text += " every " + std::to_string(*stage.every_us / 1'000'000) + "s";
  return text;
}

}  // namespace cairn::testing
