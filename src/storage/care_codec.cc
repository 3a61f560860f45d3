// Rows of what lies beside groups and fingerprints: docs/format.md, "State".
#include "storage/state_codec.h"
#include "storage/state_row.h"

namespace cairn::storage {
namespace {

using model::Care;

void write_time(RowWriter& row, TimeUs time) { row.integer(raw(time)); }
TimeUs read_time(RowReader& row) { return TimeUs{row.integer<int64_t>()}; }
void write_count(RowWriter& row, size_t count) { row.integer(static_cast<uint32_t>(count)); }

void write_waiting(RowWriter& row, const Care& care) {
  row.integer(static_cast<uint8_t>(care.snooze ? 1 : 0));
  if (care.snooze) {
    const model::Snooze& snooze = *care.snooze;
    write_time(row, snooze.terms.until);
    row.integer(snooze.terms.count)
        .integer(snooze.terms.window_minutes)
        .integer(snooze.terms.users)
        .integer(snooze.terms.user_window_minutes)
        .integer(snooze.seen);
    write_count(row, snooze.recent.size());
    for (const TimeUs time : snooze.recent) write_time(row, time);
    write_count(row, snooze.people.size());
    for (const auto& [hash, last] : snooze.people) {
      row.integer(hash);
      write_time(row, last);
    }
  }
  row.integer(static_cast<uint8_t>(care.resolution ? 1 : 0));
  if (care.resolution) {
    row.integer(raw(care.resolution->kind)).text(care.resolution->version);
  }
  row.integer(static_cast<uint8_t>(care.forecast ? 1 : 0));
  if (!care.forecast) return;
  write_time(row, care.forecast->made);
  write_count(row, care.forecast->ceilings.size());
  for (const uint32_t ceiling : care.forecast->ceilings) row.integer(ceiling);
  row.integer(care.forecast->hour).integer(care.forecast->in_hour);
}

void read_snooze(RowReader& row, model::Snooze& snooze) {
  snooze.terms.until = read_time(row);
  snooze.terms.count = row.integer<uint32_t>();
  snooze.terms.window_minutes = row.integer<uint32_t>();
  snooze.terms.users = row.integer<uint32_t>();
  snooze.terms.user_window_minutes = row.integer<uint32_t>();
  snooze.seen = row.integer<uint64_t>();
  for (uint32_t left = read_count(row, sizeof(TimeUs)); left > 0; --left) {
    snooze.recent.push_back(read_time(row));
  }
  for (uint32_t left = read_count(row, 16); left > 0; --left) {
    const auto hash = row.integer<uint64_t>();
    snooze.people.emplace_back(hash, read_time(row));
  }
}

void read_waiting(RowReader& row, Care& care, bool& valid) {
  if (row.integer<uint8_t>() != 0) read_snooze(row, care.snooze.emplace());
  if (row.integer<uint8_t>() != 0) {
    model::Resolution& resolution = care.resolution.emplace();
    resolution.kind = read_enum(row, model::ResolutionKind::InCommit, valid);
    resolution.version = row.text();
  }
  if (row.integer<uint8_t>() == 0) return;
  model::Forecast& forecast = care.forecast.emplace();
  forecast.made = read_time(row);
  for (uint32_t left = read_count(row, sizeof(uint32_t)); left > 0; --left) {
    forecast.ceilings.push_back(row.integer<uint32_t>());
  }
  forecast.hour = row.integer<int64_t>();
  forecast.in_hour = row.integer<uint32_t>();
}

void write_texts(RowWriter& row, const std::vector<std::string>& texts) {
  write_count(row, texts.size());
  for (const std::string& text : texts) row.text(text);
}

std::vector<std::string> read_texts(RowReader& row) {
  std::vector<std::string> texts;
  for (uint32_t left = read_count(row, sizeof(uint32_t)); left > 0; --left) {
    texts.emplace_back(row.text());
  }
  return texts;
}

void read_notes(RowReader& row, Care& care) {
  care.last_note = row.integer<uint32_t>();
  for (uint32_t left = read_count(row, 28); left > 0; --left) {
    model::Note note;
    note.number = row.integer<uint32_t>();
    note.author = row.text();
    note.text = row.text();
    note.time = read_time(row);
    note.edited = read_time(row);
    care.notes.push_back(std::move(note));
  }
}

}  // namespace

std::string encode_care(GroupId id, const Care& care) {
  RowWriter row = begin_row();
  write_waiting(row, care);
  write_count(row, care.reopened.size());
  for (const model::Reopened& one : care.reopened) {
    row.integer(raw(one.by)).integer(raw(one.lsn)).integer(raw(one.time));
    row.integer(static_cast<uint8_t>(one.reviewed ? 1 : 0));
  }
  row.integer(care.last_note);
  write_count(row, care.notes.size());
  for (const model::Note& note : care.notes) {
    row.integer(note.number).text(note.author).text(note.text);
    row.integer(raw(note.time)).integer(raw(note.edited));
  }
  write_texts(row, care.bookmarked_by);
  write_texts(row, care.subscribed_by);
  write_count(row, care.seen.size());
  for (const auto& [who, time] : care.seen) row.text(who).integer(raw(time));
  write_count(row, care.links.size());
  for (const model::ExternalLink& link : care.links) row.text(link.url).text(link.title);
  write_texts(row, care.regressed_in);
  for (const model::Reopened& one : care.reopened) row.text(one.release);
  return end_row(std::move(row), Row::Care, raw(id));
}

Result<Care> decode_care(GroupId id, std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Care, raw(id));
  if (!row) return damaged_row("what is kept with group", raw(id));
  Care care;
  bool valid = true;
  care.id = id;
  read_waiting(*row, care, valid);
  for (uint32_t left = read_count(*row, 21); left > 0; --left) {
    model::Reopened one;
    one.by = GroupId{row->integer<uint32_t>()};
    one.lsn = Lsn{row->integer<uint64_t>()};
    one.time = read_time(*row);
    one.reviewed = row->integer<uint8_t>() != 0;
    care.reopened.push_back(std::move(one));
  }
  read_notes(*row, care);
  care.bookmarked_by = read_texts(*row);
  care.subscribed_by = read_texts(*row);
  for (uint32_t left = read_count(*row, 12); left > 0; --left) {
    std::string who(row->text());
    care.seen.emplace_back(std::move(who), read_time(*row));
  }
  for (uint32_t left = read_count(*row, 8); left > 0; --left) {
    std::string url(row->text());
    care.links.push_back({std::move(url), std::string(row->text())});
  }
  // Rows of a base of fold version 3 end here.
  if (!row->done()) {
    care.regressed_in = read_texts(*row);
    for (model::Reopened& one : care.reopened) one.release = row->text();
  }
  if (!valid || !row->done()) return damaged_row("what is kept with group", raw(id));
  return care;
}

std::string encode_held(const model::Held& held) {
  RowWriter row = begin_row();
  row.integer(held.count).integer(raw(held.last));
  return end_row(std::move(row), Row::Held, raw(held.id));
}

Result<model::Held> decode_held(FingerprintId id, std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Held, raw(id));
  if (!row) return damaged_row("the held back fingerprint", raw(id));
  model::Held held;
  held.id = id;
  held.count = row->integer<uint32_t>();
  held.last = read_time(*row);
  if (!row->done()) return damaged_row("the held back fingerprint", raw(id));
  return held;
}

std::string encode_release(const model::Release& release) {
  RowWriter row = begin_row();
  row.text(release.version).integer(raw(release.date));
  write_texts(row, release.commits);
  return end_row(std::move(row), Row::Release, raw(release.project) ^ release.number);
}

Result<model::Release> decode_release(ProjectId project, uint32_t number,
                                      std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Release, raw(project) ^ number);
  if (!row) return damaged_row("release", number);
  model::Release release;
  release.project = project;
  release.number = number;
  release.version = row->text();
  release.date = read_time(*row);
  release.commits = read_texts(*row);
  if (!row->done()) return damaged_row("release", number);
  return release;
}

}  // namespace cairn::storage
