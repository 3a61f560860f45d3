// Reads one table of a file of settings (TOML): every key has to be asked for once, what is left
// over is an error. A key that is not there leaves the output as it was.
//
// Borrows the table. Thread: one at a time. Errors: InvalidArgument, with file and line.
#pragma once

#include <fmt/format.h>

#include <toml++/toml.h>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cairn::server {

class ConfigReader {
 public:
  ConfigReader(std::string path, const toml::table& table)
      : path_(std::move(path)), table_(table) {}

  template <class T>
  Result<void> number(std::string_view key, T& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < 0 || static_cast<uint64_t>(*value) > std::numeric_limits<T>::max()) {
      return bad(*node, fmt::format("`{}` is no whole number, or too large", key));
    }
    out = static_cast<T>(*value);
    return {};
  }

  // A number between two bounds.
  template <class T>
  Result<void> number(std::string_view key, T least, T most, T& out) {
    CAIRN_TRY(number(key, out));
    const toml::node* node = table_.get(key);
    if (node == nullptr || (out >= least && out <= most)) return {};
    return bad(*node, fmt::format("`{}` lies between {} and {}", key, least, most));
  }

  Result<void> text(std::string_view key, std::string& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<std::string>();
    if (!value) return bad(*node, fmt::format("`{}` is no text", key));
    if (out.empty()) out = *value;
    return {};
  }

  // fn(node) of each element of a list; `of` says what they are.
  template <class F>
  Result<void> list(std::string_view key, std::string_view of, const F& fn) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const toml::array* elements = node->as_array();
    if (elements == nullptr) return bad(*node, fmt::format("`{}` is no list of {}", key, of));
    for (const toml::node& one : *elements) CAIRN_TRY(fn(one));
    return {};
  }

  // Each of them a text or a whole number.
  Result<void> names(std::string_view key, std::vector<std::string>& out) {
    CAIRN_TRY(list(key, "names", [&](const toml::node& one) -> Result<void> {
      if (const auto text = one.value_exact<std::string>()) {
        out.push_back(*text);
      } else if (const auto number = one.value_exact<int64_t>()) {
        out.push_back(std::to_string(*number));
      } else {
        return bad(one, fmt::format("in `{}` there is neither a name nor a number", key));
      }
      return {};
    }));
    // An empty list must not become "all".
    if (!has(key) || !out.empty()) return {};
    return bad_key(key, fmt::format("`{}` is empty: name some, or leave it out", key));
  }

  // The tables of [[key]].
  Result<std::vector<const toml::table*>> tables(std::string_view key) {
    std::vector<const toml::table*> out;
    const toml::node* node = take(key);
    if (node == nullptr) return out;
    const toml::array* all = node->as_array();
    if (all == nullptr) return bad(*node, fmt::format("write [[{}]] before each of them", key));
    for (const toml::node& one : *all) {
      if (one.as_table() == nullptr) return bad(one, fmt::format("`{}` is no table", key));
      out.push_back(one.as_table());
    }
    return out;
  }

  bool has(std::string_view key) const { return table_.contains(key); }

  Result<void> end() const {
    for (const auto& [key, node] : table_) {
      bool known = false;
      for (const std::string& taken : taken_) known = known || taken == key.str();
      if (!known) return bad(node, fmt::format("there is no setting `{}`", key.str()));
    }
    return {};
  }

  Error bad(const toml::node& at, std::string_view what) const {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("{}, line {}: {}; docs/operations.md lists the settings", path_,
                                  at.source().begin.line, what));
  }
  Error bad(std::string_view what) const { return bad(table_, what); }
  // The key's place, or that of the table.
  Error bad_key(std::string_view key, std::string_view what) const {
    const toml::node* node = table_.get(key);
    return bad(node != nullptr ? *node : static_cast<const toml::node&>(table_), what);
  }

 private:
  const toml::node* take(std::string_view key) {
    taken_.emplace_back(key);
    return table_.get(key);
  }

  const std::string path_;
  const toml::table& table_;
  std::vector<std::string> taken_;
};

}  // namespace cairn::server
