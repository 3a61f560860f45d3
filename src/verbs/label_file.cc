#include "verbs/label_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "verbs/line_source.h"

namespace cairn::verbs {

bool split_csv(std::string_view line, std::vector<std::string>& fields) {
  fields.assign(1, {});
  for (size_t at = 0; at < line.size(); ++at) {
    if (line[at] == ',') {
      fields.emplace_back();
      continue;
    }
    if (line[at] != '"' || !fields.back().empty()) {
      fields.back().push_back(line[at]);
      continue;
    }
    for (++at; at < line.size(); ++at) {
      if (line[at] != '"') {
        fields.back().push_back(line[at]);
      } else if (at + 1 < line.size() && line[at + 1] == '"') {
        fields.back().push_back('"');
        ++at;
      } else {
        break;
      }
    }
    if (at == line.size()) return false;
    if (at + 1 < line.size() && line[at + 1] != ',') return false;
  }
  return true;
}

namespace {

// Which column has the group; the header may be absent.
Result<size_t> find_column(const std::string& path, const std::vector<std::string>& header,
                           const std::string& column) {
  const std::string wanted = column.empty() ? "group" : column;
  const auto found = std::find(header.begin(), header.end(), wanted);
  if (found != header.end()) return static_cast<size_t>(found - header.begin());
  if (column.empty()) return size_t{1};
  std::string names;
  for (const std::string& name : header) names += (names.empty() ? "" : ", ") + name;
  return make_error(ErrorCode::NotFound,
                    fmt::format("{}: no column '{}'; there is {}", path, column,
                                names.empty() ? "no line that names columns" : names));
}

}  // namespace

Result<LabelFile> read_labels(Files& files, const std::string& path, const std::string& column) {
  CAIRN_TRY_ASSIGN(const auto lines, open_lines(files, path));
  LabelFile out;
  std::vector<std::string> fields;
  std::unordered_map<std::string, uint32_t> numbers;
  std::optional<size_t> group;
  while (true) {
    CAIRN_TRY_ASSIGN(const auto line, lines->next());
    if (!line) return out;
    if (line->text.empty()) continue;
    const auto wrong = [&](std::string_view what) {
      return make_error(ErrorCode::InvalidArgument,
                        fmt::format("{}:{}: {}", path, line->number, what));
    };
    if (line->too_long || !split_csv(line->text, fields)) {
      return wrong("no line of CSV: a quote is not closed, or it is too long");
    }
    const auto id = parse_uuid(fields.front());
    if (!id && out.occurrences.empty() && !group) {
      CAIRN_TRY_ASSIGN(group, find_column(path, fields, column));
      continue;
    }
    if (!group) {
      CAIRN_TRY_ASSIGN(group, find_column(path, {}, column));
    }
    if (!id) return wrong(fmt::format("'{}' is no occurrence id", fields.front()));
    if (fields.size() <= *group) return wrong(fmt::format("there is no field {}", *group + 1));
    if (out.occurrences.size() == kMaxLabels) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("{}: more than {} labels; split the file", path, kMaxLabels));
    }
    const auto next = static_cast<uint32_t>(numbers.size() + 1);
    out.occurrences.push_back(*id);
    out.groups.push_back(numbers.try_emplace(fields[*group], next).first->second);
  }
}

}  // namespace cairn::verbs
