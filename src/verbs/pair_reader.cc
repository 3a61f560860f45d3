#include "verbs/pair_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/json_writer.h"
#include "model/json_scalar.h"
#include "model/occurrence.h"
#include "verbs/dead_letter.h"

namespace cairn::verbs {
namespace {

Error invalid(std::string message) {
  return make_error(ErrorCode::InvalidArgument, std::move(message));
}

std::string_view without_blanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool is_object(std::string_view line) { return without_blanks(line).starts_with('{'); }

// Takes a quoted field off the front of `rest`, which begins with a quote.
Result<std::string> take_quoted(std::string_view& rest) {
  std::string field;
  for (size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] != '"') {
      field.push_back(rest[at]);
    } else if (rest.substr(at + 1).starts_with('"')) {
      field.push_back('"');
      ++at;
    } else {
      rest.remove_prefix(at + 1);
      return field;
    }
  }
  return invalid("a quote is not closed; a quoted field ends on its line, with a quote");
}

Result<std::vector<std::string>> split_csv(std::string_view line) {
  std::vector<std::string> fields;
  for (std::string_view rest = line;;) {
    const size_t begin = std::min(rest.find_first_not_of(" \t"), rest.size());
    if (rest.substr(begin).starts_with('"')) {
      rest.remove_prefix(begin);
      CAIRN_TRY_ASSIGN(std::string field, take_quoted(rest));
      fields.push_back(std::move(field));
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r"), rest.size()));
      if (!rest.empty() && rest.front() != ',') {
        return invalid("text behind a closing quote; write \"\" for a quote inside a field");
      }
    } else {
      const size_t comma = std::min(rest.find(','), rest.size());
      fields.emplace_back(without_blanks(rest.substr(0, comma)));
      rest.remove_prefix(comma);
    }
    if (rest.empty()) return fields;
    rest.remove_prefix(1);
  }
}

std::optional<size_t> position_of(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

Result<Pair> checked(Pair pair) {
  if (pair.child.empty()) return invalid("the child is empty");
  if (pair.primary.empty()) return invalid("the primary is empty");
  return pair;
}

Result<std::string> word_of(model::JsonValue value, std::string_view name) {
  if (value.kind() == model::JsonKind::Number) {
    const std::string_view digits = value.raw();
    if (digits.find_first_not_of("0123456789") == std::string_view::npos) {
      return std::string(digits);
    }
  }
  if (value.kind() != model::JsonKind::String) {
    Error error = invalid(fmt::format("\"{}\" is {}; it has to be a string or a whole number", name,
                                      model::json_kind_name(value.kind())));
    error.position = value.position();
    return error;
  }
  std::string word;
  model::append_unescaped(word, value.content());
  return word;
}

}  // namespace

std::string pair_json(const Pair& pair, const PairColumns& columns) {
  JsonWriter json;
  json.begin_object().key(columns.child).string(pair.child);
  json.key(columns.primary).string(pair.primary);
  return json.end_object().take();
}

Result<bool> PairReader::start(std::string_view line) {
  json_ = is_object(line);
  if (json_) return false;
  const auto fields = split_csv(line);
  const auto child = fields ? position_of(*fields, columns_.child) : std::nullopt;
  const auto primary = fields ? position_of(*fields, columns_.primary) : std::nullopt;
  header_ = child && primary && *child != *primary;
  if (header_) {
    child_at_ = *child;
    primary_at_ = *primary;
    fields_ = fields->size();
    return true;
  }
  if (!columns_.named) return false;
  return invalid(fmt::format("the first line has no columns {} and {}; it is: {}", columns_.child,
                             columns_.primary, line.substr(0, 200)));
}

Result<Pair> PairReader::read(std::string_view line) {
  if (!is_object(line)) return read_csv(line);
  CAIRN_TRY_ASSIGN(const auto inner, unwrap_rejected(line));
  if (!inner) return read_json(line);
  return is_object(*inner) ? read_json(*inner) : read_csv(*inner);
}

Result<Pair> PairReader::read_csv(std::string_view line) const {
  CAIRN_TRY_ASSIGN(std::vector<std::string> fields, split_csv(line));
  if (fields.size() != fields_) {
    return invalid(fmt::format(
        "{} field{} instead of {}", fields.size(), fields.size() == 1 ? "" : "s",
        header_ ? fmt::format("the header's {}", fields_) : std::string("two, child,primary")));
  }
  return checked({std::move(fields[child_at_]), std::move(fields[primary_at_])});
}

Result<Pair> PairReader::read_json(std::string_view line) {
  CAIRN_TRY(tree_.parse(line, 1, model::kMaxJsonDepth));
  std::optional<std::string> child;
  std::optional<std::string> primary;
  for (model::JsonValue name = tree_.root().first(); name; name = name.next().next()) {
    std::string key;
    model::append_unescaped(key, name.content());
    auto* const slot = key == columns_.child     ? &child
                       : key == columns_.primary ? &primary
                                                 : nullptr;
    if (slot == nullptr) continue;
    if (*slot) return invalid(fmt::format("\"{}\" is there twice", key));
    CAIRN_TRY_ASSIGN(*slot, word_of(name.next(), key));
  }
  if (!child || !primary) {
    return invalid(fmt::format("no \"{}\" in the line", child ? columns_.primary : columns_.child));
  }
  return checked({*std::move(child), *std::move(primary)});
}

}  // namespace cairn::verbs
