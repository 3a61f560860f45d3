#include "verbs/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace cairn::verbs {
namespace {

constexpr int kRoomyWidth = 100;  // from here on columns are two blanks apart

void pad(std::string& out, size_t count) { out.append(count, ' '); }

}  // namespace

void TextTable::add(std::vector<TableCell> row) {
  CAIRN_ASSERT(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

TextTable::Layout TextTable::layout(const Terminal& terminal) const {
  std::vector<size_t> natural;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = columns_[c].header.size();
    for (const auto& row : rows_) {
      width = std::max(width, text_width(printable(row[c].text, terminal.utf8)));
    }
    natural.push_back(width);
  }
  Layout result;
  result.gap = terminal.width >= kRoomyWidth ? 2 : 1;
  for (size_t c = 0; c < columns_.size(); ++c) result.shown.push_back(c);
  const auto limit = static_cast<size_t>(terminal.width);
  const auto least = [&](size_t c) {
    return columns_[c].flexible ? std::min(natural[c], kLeastFlexible) : natural[c];
  };
  const auto total = [&] {
    size_t sum = result.gap * (result.shown.size() - 1);
    for (const size_t c : result.shown) sum += least(c);
    return sum;
  };
  while (result.shown.size() > 1 && total() > limit) {
    const auto victim = std::max_element(
        result.shown.begin(), result.shown.end(),
        [&](size_t a, size_t b) { return columns_[a].drop_order < columns_[b].drop_order; });
    if (columns_[*victim].drop_order == 0) break;
    result.shown.erase(victim);
  }
  size_t spare = limit > total() ? limit - total() : 0;
  for (const size_t c : result.shown) {
    size_t width = least(c);
    if (columns_[c].flexible) {
      const size_t more = std::min(spare, natural[c] - width);
      width += more;
      spare -= more;
    }
    result.widths.push_back(width);
  }
  return result;
}

std::string TextTable::render(const Terminal& terminal) const {
  const Layout plan = layout(terminal);
  std::string out;
  const auto put = [&](size_t slot, std::string_view raw, Style style) {
    const TableColumn& column = columns_[plan.shown[slot]];
    const bool last = slot + 1 == plan.shown.size();
    const std::string text = fit(printable(raw, terminal.utf8), plan.widths[slot], terminal.utf8);
    const size_t blanks = plan.widths[slot] - std::min(plan.widths[slot], text_width(text));
    if (column.right) pad(out, blanks);
    out += styled(terminal, style, text);
    if (!column.right && !last) pad(out, blanks);
    if (!last) pad(out, plan.gap);
  };
  const auto end_line = [&] {
    while (out.ends_with(' ')) out.pop_back();
    out.push_back('\n');
  };
  for (size_t s = 0; s < plan.shown.size(); ++s) {
    put(s, columns_[plan.shown[s]].header, Style::Dim);
  }
  end_line();
  for (const auto& row : rows_) {
    for (size_t s = 0; s < plan.shown.size(); ++s) {
      const TableCell& cell = row[plan.shown[s]];
      put(s, cell.text, cell.style);
    }
    end_line();
  }
  return out;
}

std::string trend_bar(const std::vector<uint64_t>& counts, bool utf8) {
  static constexpr std::array<std::string_view, 9> kBlocks = {
      " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  static constexpr std::array<std::string_view, 9> kAscii = {" ", ".", ":", "-", "=",
                                                             "+", "*", "#", "@"};
  const auto& steps = utf8 ? kBlocks : kAscii;
  uint64_t most = 0;
  for (const uint64_t count : counts) most = std::max(most, count);
  std::string out;
  for (const uint64_t count : counts) {
    const double share = most == 0 ? 0 : static_cast<double>(count) / static_cast<double>(most);
    const size_t step = count == 0 ? 0 : 1 + static_cast<size_t>(share * 7.0 + 0.5);
    out.append(steps[std::min<size_t>(step, 8)]);
  }
  return out;
}

std::string format_age(TimeUs now, TimeUs then) {
  const int64_t seconds = (raw(now) - raw(then)) / kMicrosPerSecond;
  if (raw(then) > raw(now)) return "-";
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  if (seconds < kMinute) return fmt::format("{}s", seconds);
  if (seconds < kHour) return fmt::format("{}m", seconds / kMinute);
  if (seconds < 2 * kDay) return fmt::format("{}h", seconds / kHour);
  if (seconds < 100 * kDay) return fmt::format("{}d", seconds / kDay);
  if (seconds < 730 * kDay) return fmt::format("{}mo", seconds / (30 * kDay));
  return fmt::format("{}y", seconds / (365 * kDay));
}

std::string format_count(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string format_bytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_seconds(double seconds) {
  if (seconds < 1) return fmt::format("{:.2f} ms", seconds * 1000);
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

}  // namespace cairn::verbs
