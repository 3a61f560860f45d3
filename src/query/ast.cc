#include "query/ast.h"

namespace cairn::query {

std::string column_name(const Key& key) {
  return key.form == KeyForm::Tag ? "tags[" + key.name + "]" : key.name;
}

std::string column_name(const Call& call) {
  std::string name = call.function + "(";
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    name += (i > 0 ? ", " : "") + column_name(call.arguments[i]);
  }
  return name + ")" + (call.part.empty() ? "" : "." + call.part);
}

std::string column_name(const ColumnRef& column) {
  return std::visit([](const auto& what) { return column_name(what); }, column);
}

Span span_of(const ColumnRef& column) {
  return std::visit([](const auto& what) { return what.at; }, column);
}

}  // namespace cairn::query
