# The time and likelihood of lme4 on one table. Usage: Rscript mixed.R FILE FORMULA
suppressMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1])
data$task <- factor(data$task)
seconds <- system.time(model <- suppressWarnings(suppressMessages(
  lmer(as.formula(arguments[2]), data, control = lmerControl(calc.derivs = FALSE)))))[3]
cat(sprintf('{"seconds": %.6f, "log_likelihood": %.9f}\n', seconds, as.numeric(logLik(model))))
