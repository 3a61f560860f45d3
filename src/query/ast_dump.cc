#include "query/ast_dump.h"

#include <string_view>

namespace cairn::query {
namespace {

std::string_view op_name(Op op) {
  switch (op) {
    case Op::Contains:
      return "contains";
    case Op::StartsWith:
      return "starts-with";
    case Op::EndsWith:
      return "ends-with";
    case Op::Regex:
      return "regex";
    default:
      return sign_of(op);
  }
}

class Dumper {
 public:
  std::string take() { return std::move(out_); }

  void node(const Node& node) {
    std::visit([this](const auto& what) { (*this)(what); }, node.what);
  }

  void operator()(const Filter& filter) {
    if (filter.negated) out_ += "(not ";
    out_ += '(';
    out_ += op_name(filter.op);
    out_ += ' ';
    key(filter.key);
    out_ += filter.list ? " [" : " ";
    for (size_t i = 0; i < filter.values.size(); ++i) {
      if (i > 0) out_ += ' ';
      value(filter.values[i]);
    }
    out_ += filter.list ? "])" : ")";
    if (filter.negated) out_ += ')';
  }

  void operator()(const FreeText& text) {
    if (text.negated) out_ += "(not ";
    out_ += "(text ";
    value(text.value);
    out_ += text.negated ? "))" : ")";
  }

  void operator()(const And& all) { terms("and", all.terms); }
  void operator()(const Or& any) { terms("or", any.terms); }

  void operator()(const Not& negation) {
    out_ += "(not ";
    node(*negation.term);
    out_ += ')';
  }

  void operator()(const AggregateStage& stage) {
    out_ += "(aggregate (calls";
    for (const Call& call : stage.calls) {
      out_ += " (" + call.function;
      keys(call.arguments);
      out_ += ')';
    }
    out_ += ')';
    if (!stage.by.empty()) {
      out_ += " (by";
      keys(stage.by);
      out_ += ')';
    }
    if (stage.every_us) out_ += " (every-us " + std::to_string(*stage.every_us) + ")";
    if (stage.vs_us) out_ += " (vs-us " + std::to_string(*stage.vs_us) + ")";
    out_ += ')';
  }

  void operator()(const TopStage& stage) {
    out_ += "(top " + std::to_string(stage.count) + " ";
    key(stage.field);
    out_ += ')';
  }

  void operator()(const HistogramStage& stage) {
    out_ += "(histogram ";
    key(stage.field);
    if (stage.buckets) out_ += " " + std::to_string(*stage.buckets);
    out_ += ')';
  }

  void operator()(const FieldsStage& stage) {
    out_ += "(fields";
    for (const ColumnRef& column : stage.columns) out_ += " " + column_name(column);
    out_ += ')';
  }

  void operator()(const TrendStage& stage) {
    out_ += "(trend-us " + std::to_string(stage.length_us) + ")";
  }

  void operator()(const WhereStage& stage) {
    out_ += "(where " + std::string(sign_of(stage.op)) + " " + column_name(stage.key) + " ";
    text(stage.value.text, '"');
    out_ += ')';
  }

  void operator()(const SortStage& stage) {
    out_ += "(sort " + std::string(stage.descending ? "-" : "") + column_name(stage.key) + ")";
  }

  void operator()(const LimitStage& stage) {
    out_ += "(limit " + std::to_string(stage.count) + ")";
  }

  void stage(const Stage& stage) {
    out_ += " | ";
    std::visit([this](const auto& what) { (*this)(what); }, stage);
  }

  void everything() { out_ += "(all)"; }

 private:
  void terms(std::string_view name, const std::vector<Node>& terms) {
    out_ += '(';
    out_ += name;
    for (const Node& term : terms) {
      out_ += ' ';
      node(term);
    }
    out_ += ')';
  }

  void text(std::string_view text, char quote) {
    out_ += quote;
    for (const char c : text) {
      if (c == quote || c == '\\') out_ += '\\';
      if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\t') {
        out_ += "\\t";
      } else {
        out_ += c;
      }
    }
    out_ += quote;
  }

  void value(const Value& value) {
    const char quote = value.quoted ? '\'' : '"';
    if (value.pattern.empty()) return text(value.text, quote);
    out_ += "(*";
    for (const std::string& run : value.pattern) {
      out_ += ' ';
      text(run, quote);
    }
    out_ += ')';
  }

  void key(const Key& key) {
    if (key.form == KeyForm::Tag) out_ += "(tag ";
    if (key.quoted) {
      text(key.name, '\'');
    } else {
      out_ += key.name;
    }
    if (key.form == KeyForm::Plain) return;
    if (!key.tag_type.empty()) out_ += " " + key.tag_type;
    if (key.element) out_ += " [*]";
    out_ += ')';
  }

  void keys(const std::vector<Key>& keys) {
    for (const Key& each : keys) {
      out_ += ' ';
      key(each);
    }
  }

  std::string out_;
};

}  // namespace

std::string dump(const Query& query) {
  Dumper dumper;
  if (query.filter) {
    dumper.node(*query.filter);
  } else {
    dumper.everything();
  }
  for (const Stage& stage : query.stages) dumper.stage(stage);
  return dumper.take();
}

}  // namespace cairn::query
