#include "client/ast_text.h"

#include <fmt/format.h>

namespace cairn::client {
namespace {

std::string_view op_text(query::Op op) {
  switch (op) {
    case query::Op::Equal:
      return "=";
    case query::Op::NotEqual:
      return "!=";
    case query::Op::Greater:
      return ">";
    case query::Op::GreaterEqual:
      return ">=";
    case query::Op::Less:
      return "<";
    case query::Op::LessEqual:
      return "<=";
    case query::Op::Contains:
      return "contains";
    case query::Op::StartsWith:
      return "starts with";
    case query::Op::EndsWith:
      return "ends with";
    case query::Op::Regex:
      return "matches";
  }
  return "?";
}

std::string key_text(const query::Key& key) {
  if (key.form == query::KeyForm::Plain) return key.name;
  if (key.tag_type.empty()) return fmt::format("tags[{}]", key.name);
  return fmt::format("tags[{}, {}]", key.name, key.tag_type);
}

std::string value_text(const query::Value& value) {
  if (value.pattern.empty()) return fmt::format("\"{}\"", value.text);
  std::string out;
  for (size_t i = 0; i < value.pattern.size(); ++i) {
    if (i > 0) out += " * ";
    if (!value.pattern[i].empty()) out += fmt::format("\"{}\"", value.pattern[i]);
  }
  return fmt::format("pattern({})", out);
}

class Printer {
 public:
  std::string take() { return std::move(out_); }

  void print(const query::Node& node) {
    std::visit([this](const auto& what) { print_node(what); }, node.what);
  }
  void print(const query::Stage& stage) {
    std::visit([this](const auto& what) { print_stage(what); }, stage);
  }

 private:
  void line(std::string_view text) { out_.append(2 * depth_, ' ').append(text).push_back('\n'); }
  template <class Terms>
  void branch(std::string_view name, const Terms& terms) {
    line(name);
    ++depth_;
    for (const auto& term : terms) print(term);
    --depth_;
  }

  void print_node(const query::And& node) { branch("and", node.terms); }
  void print_node(const query::Or& node) { branch("or", node.terms); }
  void print_node(const query::Not& node) {
    line("not");
    ++depth_;
    print(*node.term);
    --depth_;
  }
  void print_node(const query::FreeText& text) {
    line(fmt::format("{}text {}", text.negated ? "not " : "", value_text(text.value)));
  }
  void print_node(const query::Filter& filter) {
    std::string values;
    for (const auto& value : filter.values) {
      if (!values.empty()) values += ", ";
      values += value_text(value);
    }
    if (filter.list) values = "[" + values + "]";
    const std::string_view op = filter.list ? "in" : op_text(filter.op);
    line(fmt::format("{}{} {} {}", filter.negated ? "not " : "", key_text(filter.key), op, values));
  }

  void print_stage(const query::AggregateStage& stage) {
    line("aggregate");
    ++depth_;
    for (const auto& call : stage.calls) {
      std::string arguments;
      for (const auto& key : call.arguments) {
        if (!arguments.empty()) arguments += ", ";
        arguments += key_text(key);
      }
      line(fmt::format("{}({})", call.function, arguments));
    }
    for (const auto& key : stage.by) line("by " + key_text(key));
    if (stage.every_us) {
      line(fmt::format("every {} s", static_cast<double>(*stage.every_us) / kMicrosPerSecond));
    }
    --depth_;
  }
  void print_stage(const query::TopStage& stage) {
    line(fmt::format("top {} {}", stage.count, key_text(stage.field)));
  }
  void print_stage(const query::SortStage& stage) {
    line(fmt::format("sort {} {}", stage.key, stage.descending ? "descending" : "ascending"));
  }
  void print_stage(const query::LimitStage& stage) { line(fmt::format("limit {}", stage.count)); }

  std::string out_;
  size_t depth_ = 0;
};

}  // namespace

std::string ast_text(const query::Query& query) {
  Printer printer;
  if (query.filter) printer.print(*query.filter);
  for (const auto& stage : query.stages) printer.print(stage);
  std::string out = printer.take();
  return out.empty() ? "everything\n" : out;
}

}  // namespace cairn::client
