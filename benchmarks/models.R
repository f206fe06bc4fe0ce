# Data of R packages as CSV, and the predictions of lme4 for the splits that
# benchmarks/models.py has written. Usage: Rscript models.R data FOLDER | fit FOLDER
suppressMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[2]
table_of <- function(data, name, task, target, features) {
  X <- model.matrix(reformulate(features), data)[, -1, drop = FALSE]
  out <- data.frame(task = as.character(data[[task]]), y = as.numeric(data[[target]]), X)
  write.csv(out, file.path(folder, paste0(name, ".csv")), row.names = FALSE)
}
if (arguments[1] == "data") {
  table_of(lme4::sleepstudy, "sleepstudy", "Subject", "Reaction", "Days")
  if (requireNamespace("nlme", quietly = TRUE)) {
    table_of(as.data.frame(nlme::Orthodont), "Orthodont", "Subject", "distance", "age")
    table_of(as.data.frame(nlme::MathAchieve), "MathAchieve", "School", "MathAch", c("SES", "Minority", "Sex"))
  }
  if (requireNamespace("mlmRev", quietly = TRUE))
    table_of(as.data.frame(mlmRev::Exam), "Exam", "school", "normexam", "standLRT")
} else {
  for (path in Sys.glob(file.path(folder, "*.train.csv"))) {
    train <- read.csv(path, colClasses = c(task = "character"))
    test <- read.csv(sub("train", "test", path), colClasses = c(task = "character"))
    features <- setdiff(names(train), c("task", "y"))
    fixed <- paste(features, collapse = " + ")
    forms <- c(intercept = "(1 | task)", diagonal = sprintf("(1 + %s || task)", fixed))
    if (length(features) <= 5) forms["full"] <- sprintf("(1 + %s | task)", fixed)
    for (name in names(forms)) {
      seconds <- system.time(model <- suppressWarnings(suppressMessages(
        lmer(as.formula(paste("y ~", fixed, "+", forms[name])), train, REML = TRUE))))[3]
      out <- data.frame(prediction = predict(model, test, allow.new.levels = TRUE), seconds = seconds,
                        likelihood = as.numeric(logLik(model)))
      write.csv(out, sub("train", name, path), row.names = FALSE)
    }
  }
}
