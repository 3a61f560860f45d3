// --rejects FILE: where refused lines go (dead_letter.h has their form), and how they are told
// where there is no such file.
//
// Resource; one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/console.h"
#include "client/dead_letter.h"

namespace cairn::client {

// InvalidArgument: the file lies in the store, or is one of those that are read ("-" is stdin).
Result<void> check_rejects(const std::string& rejects, const std::string& store,
                           const std::vector<std::string>& inputs);

// Added to if it exists: the lines may be nowhere else. Opened before the first line is read, so
// that a path that cannot be written is told at once.
// Errors: Io.
class RejectsFile {
 public:
  explicit RejectsFile(std::string path) : path_(std::move(path)) {}
  ~RejectsFile();
  RejectsFile(const RejectsFile&) = delete;
  RejectsFile& operator=(const RejectsFile&) = delete;

  Result<void> open();
  // Precondition of these: open() was ok.
  Result<void> add(const Refusal& refusal);
  // Durable: the lines are nowhere else in the store.
  Result<void> finish();

 private:
  Error failed(const char* what, int code) const;

  std::string path_;
  int fd_ = -1;
  std::unique_ptr<Output> output_;
};

// "FILE:LINE:COLUMN: refused: why"
std::string refusal_text(const Refusal& refusal);

}  // namespace cairn::client
