/** A dialog over a dimmed page: title, body, actions at the end; Escape and the cross close it, focus returns. */
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { IconButton } from "./Button";
import css from "./Dialog.module.css";

export function Dialog({ title, isOpen, onClose, closeLabel, children, actions, wide }: { title: string; isOpen: boolean; onClose: () => void; closeLabel: string; children: ReactNode; actions?: ReactNode; wide?: boolean }) {
  return (
    <ModalOverlay className={css.overlay ?? ""} isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className={`${css.modal} ${wide ? css.wide : ""}`}>
        <AriaDialog className={css.dialog ?? ""}>
          <header className={css.head}>
            <Heading slot="title" className={css.title ?? ""}>{title}</Heading>
            <IconButton label={closeLabel} onPress={onClose}>
              <X size={16} aria-hidden />
            </IconButton>
          </header>
          <div className={css.body}>{children}</div>
          {actions !== undefined && <footer className={css.actions}>{actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
