// --rejects FILE: where refused lines go (dead_letter.h has their form), and how they are told
// where there is no such file.
//
// Resource; one thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "verbs/dead_letter.h"
#include "verbs/files.h"

namespace cairn::verbs {

inline constexpr const char* kRejectsOption = "--rejects";

// Added to if it exists: the lines may be nowhere else. Opened before the first line is read, so
// that a path that cannot be written is told at once.
// Errors: Io.
class RejectsFile {
 public:
  RejectsFile(Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  RejectsFile(const RejectsFile&) = delete;
  RejectsFile& operator=(const RejectsFile&) = delete;

  Result<void> open();
  // Precondition of these: open() was ok.
  Result<void> add(const Refusal& refusal);
  // Durable: the lines are nowhere else in the store.
  Result<void> finish();

 private:
  Files& files_;
  std::string path_;
  std::unique_ptr<Files::Writer> writer_;
  std::unique_ptr<Output> output_;  // goes before what it writes to
};

// "FILE:LINE:COLUMN: refused: why"
std::string refusal_text(const Refusal& refusal);

}  // namespace cairn::verbs
